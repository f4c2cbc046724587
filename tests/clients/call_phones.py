#!/usr/bin/python3
"""Users at real telephones, baresip and sipp: they register, call each other by name and number, and hear each other.

    call_phones.py LEDGERLINE
"""
import os
import shutil
import subprocess
import unittest

from inbound_calls import BOB, Calls
from phones import RegisteredPhone
from sip_peers import BYE, RING, FIRST, SDP, bound, free_media_port, free_port, recv, send

TONES = {"alice": 440, "bob": 880}
AUTHENTICATION = "[authentication username={user} password={user}]"


def sipp_request(method, uri, sequence, user, more="", body="      Content-Length: 0\n", to="[last_To:]"):
    return f"""  <send retrans="500"><![CDATA[

      {method} {uri} SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:{user}@example.com>;tag=[pid]SIPpTag00[call_number]
      {to or f"To: <{uri}>"}
      Call-ID: [call_id]
      CSeq: {sequence} {method}
      Contact: <sip:{user}@[local_ip]:[local_port];transport=[transport]>
      Max-Forwards: 70
{more}{body}
    ]]></send>
"""


def recv_response(status, more=""):
    return f'  <recv response="{status}"{more}></recv>\n'


# SDP's Contact header is in the request already.
OFFER = SDP.replace("      Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n", "")


def registering(user, contact_port):
    def request(sequence, more=""):
        text = sipp_request("REGISTER", f"sip:{user}@example.com", sequence, user, more + "      Expires: 60\n", to="")
        text = text.replace(f"REGISTER sip:{user}@example.com", "REGISTER sip:[remote_ip]:[remote_port]")
        return text.replace("[local_ip]:[local_port];transport", f"[local_ip]:{contact_port};transport")
    return (request(1) + recv_response(401, ' auth="true"')
            + request(2, "      " + AUTHENTICATION.format(user=user) + "\n") + recv_response(200))


def calling(user, uri, milliseconds):
    ack = sipp_request("ACK", uri, "{}", user).replace(' retrans="500"', "")
    return (sipp_request("INVITE", uri, 1, user, body=OFFER, to="") + recv_response(100, ' optional="true"')
            + recv_response(401, ' auth="true"') + ack.format(1)
            + sipp_request("INVITE", uri, 2, user, "      " + AUTHENTICATION.format(user=user) + "\n", OFFER, to="")
            + recv_response(100, ' optional="true"') + recv_response(180, ' optional="true"')
            + recv_response(200, ' rrs="true"')
            + ack.format(2).replace(f"ACK {uri}", "ACK [next_url]")
            + f'  <pause milliseconds="{milliseconds}"/>\n'
            + sipp_request("BYE", uri, 3, user).replace(f"BYE {uri}", "BYE [next_url]") + recv_response(200))


class CallPhones(Calls):
    def setUp(self):
        super().setUp()
        self.phones, self.sipps = {}, []
        self.addCleanup(lambda: [phone.stop() for phone in self.phones.values()])
        self.addCleanup(lambda: [self.end(process) for process in self.sipps])

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def phone(self, name, transport="udp"):
        """A telephone that is registered."""
        phone = self.phones[name] = RegisteredPhone(self.folder, name, TONES[name], self.sip, transport)
        self.until(lambda: self.owner("select count(*) from ledger.binding b join ledger.address a using (account_id)"
                                      f" where a.address = 'sip:{name}@example.com'") == "1", f"{name}'s registration")
        return phone

    def tearDown(self):
        for phone in self.phones.values():
            phone.stop()
        for folder in [phone.folder for phone in self.phones.values()]:
            shutil.rmtree(folder)
        super().tearDown()

    def sipp(self, name, steps, *options, port=None):
        """A sipp with a scenario that it plays once; media comes back as it went."""
        path = os.path.join(self.folder, name)
        with open(path + ".xml", "w", encoding="utf-8") as file:
            file.write(f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n{steps}</scenario>\n')
        with open(path + ".out", "w", encoding="utf-8") as output:
            process = subprocess.Popen(["sipp", "-sf", path + ".xml", "-i", "127.0.0.1", "-p", str(port or free_port()),
                                        "-mp", str(free_media_port()), "-m", "1", "-nostdin", "-rtp_echo", "-timeout", "40s",
                                        "-timeout_error", "-trace_err", "-error_file", path + ".err", *options],
                                       cwd=self.folder, stdout=output, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL)
        self.sipps.append(process)
        if port:
            self.until(lambda: bound(port), f"sipp's port {port}")
        return process, path + ".err"

    def played(self, sipp):
        process, errors = sipp
        status = process.wait(timeout=60)
        if status != 0:
            with open(errors, encoding="utf-8", errors="replace") as file:
                self.fail(file.read()[-3000:])

    def to_server(self):
        return f"{self.sip[0]}:{self.sip[1]}"

    def hears(self, name, frequency):
        phone = self.phones[name]
        self.until(lambda: phone.hears([frequency], TONES.values()), f"{frequency} Hz at {name}'s")

    def test_two_telephones_hear_each_other(self):
        alice = self.phone("alice")
        self.phone("bob")
        for uri in (f"sip:bob@{self.to_server()}", f"sip:+15550002@{self.to_server()}"):
            alice.dial(uri)
            self.hears("alice", TONES["bob"])
            self.hears("bob", TONES["alice"])
            alice.hang_up()
            self.until(lambda: self.legs() == 0, "the end of the call")
            self.assertTrue(self.record(BOB).startswith("terminated|hang-up|sip:alice@example.com|"))

    def test_a_telephone_over_tcp(self):
        alice = self.phone("alice", "tcp")
        bob = self.phone("bob", "tcp")
        alice.dial(f"sip:bob@{self.to_server()};transport=tcp")
        self.hears("alice", TONES["bob"])
        self.hears("bob", TONES["alice"])
        bob.hang_up()
        self.until(lambda: self.legs() == 0, "the end of the call")

    def test_a_call_that_is_forwarded_when_busy_has_its_media(self):
        """Bob's own telephone is a sipp that is busy; the second one is a baresip at a place of its own."""
        alice = self.phone("alice")
        port = free_port()
        self.played(self.sipp("register", registering("bob", port), self.to_server()))
        busy = RING + send("486 Busy Here", FIRST, repeat=True) + recv("ACK")
        sipp = self.sipp("busy", busy, port=port)
        echo_port = free_port()
        echo = self.sipp("echo", RING + send("200 OK", FIRST, SDP, repeat=True) + recv("ACK") + BYE, port=echo_port)
        self.rule("busy", "redirect", f"sip:echo@127.0.0.1:{echo_port}")
        alice.dial(f"sip:bob@{self.to_server()}")
        # Its own voice comes back.
        self.hears("alice", TONES["alice"])
        alice.hang_up()
        self.played(sipp)
        self.played(echo)

    def test_a_sipp_that_is_registered_is_called(self):
        alice = self.phone("alice")
        port = free_port()
        self.played(self.sipp("register", registering("bob", port), self.to_server()))
        echo = self.sipp("echo", RING + send("200 OK", FIRST, SDP, repeat=True) + recv("ACK") + BYE, port=port)
        alice.dial(f"sip:bob@{self.to_server()}")
        self.hears("alice", TONES["alice"])
        alice.hang_up()
        self.played(echo)

    def test_a_sipp_calls_a_telephone_by_digest(self):
        self.phone("bob")
        caller = self.sipp("caller", calling("alice", BOB, 3000), self.to_server())
        self.hears("bob", TONES["bob"])
        self.played(caller)
        self.until(lambda: self.legs() == 0, "the end of the call")
        self.assertEqual(self.record(BOB), "terminated|hang-up|sip:alice@example.com|alice@example.com|inbound")
        seconds = self.query("select extract(epoch from ended_at - started_at) >= 3 from calls"
                             f" where called_party = '{BOB}' order by created_at desc limit 1")
        self.assertEqual(seconds, "t")


if __name__ == "__main__":
    unittest.main(verbosity=2)
