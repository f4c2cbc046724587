#!/usr/bin/python3
"""What SIP asks of a user agent beside setting calls up: session timers, signs of life, identity, and races.

    sip_features.py LEDGERLINE [SipFeatures | Proxied]
"""
import os
import subprocess
import sys
import time
import unittest

import requests

from call_case import CallCase
from server import run
from sip_peers import (ANSWER, AUDIO, BYE, CANCELLED, FIRST, FIRST_CONNECTED, LATER, RING, SCENARIOS,
                       SECOND_CONNECTED, SDP, SILENT, free_port, pause, recv, recv_invite, request, send)
from sip_user import SDP as PHONE_SDP, SipUser

NOWHERE = "sip:b@127.0.0.1:9"
GONE = "Reason: Q.850;cause=20"


def recv_with(method, *regexps):
    """A request whose text has all of these."""
    checks = "".join(f'<ereg regexp="{regexp}" search_in="msg" check_it="true" assign_to="w{i}"/>'
                     for i, regexp in enumerate(regexps))
    logs = " ".join(f"[$w{i}]" for i in range(len(regexps)))
    return f'  <recv request="{method}"><action>{checks}<log message="{logs}"/></action></recv>\n'


def answering(lines):
    """The way of a first and of a second party to the connection; 200s have these lines, too."""
    ok = send("200 OK", FIRST + lines, SDP, repeat=True)
    first = (RING + ok + recv("ACK", SILENT) + recv("INVITE", AUDIO) + send("200 OK", LATER + lines, SDP, repeat=True)
             + recv("ACK"))
    return first, RING + ok + recv("ACK", AUDIO)


def timed(refresher, seconds=6, allow=""):
    require = "      Require: timer\n" if refresher == "uac" else ""
    return f"      Session-Expires: {seconds};refresher={refresher}\n{require}{allow}"


ALLOW_UPDATE = "      Allow: INVITE, ACK, BYE, CANCEL, UPDATE\n"
ALLOW_NO_UPDATE = "      Allow: INVITE, ACK, BYE, CANCEL\n"


class SipFeatures(CallCase):
    program = os.path.abspath(sys.argv.pop(1))
    settings = {"SIP_SESSION_EXPIRES": "6s", "SIP_SESSION_LEAST": "2s", "SIP_LIVENESS": "1s", "CALL_SLICE": "10s",
                "CALL_SLICE_AHEAD": "2s"}

    def connect(self, first_steps, second_steps, **more):
        first, second = self.peer("first", first_steps), self.peer("second", second_steps)
        client = more.pop("client", self.v2)
        call = client.makeCall(callingParty=first.uri, calledParty=second.uri, **more)
        self.until_status(call, "CallConnected", client)
        return call

    def ended(self, call, client=None):
        return self.until_status(call, "CallTerminated", client).terminationCause

    def test_the_server_refreshes_by_update(self):
        lines = timed("uac", allow=ALLOW_UPDATE)
        first, second = answering(lines)
        update = (recv_with("UPDATE", "Session-Expires: 6;refresher=uac", "Content-Length: 0")
                  + send("200 OK", LATER + timed("uac")))
        call = self.connect(first + update + update + request("BYE", 1), second + update + update + BYE)
        self.assertEqual(self.ended(call), "CallHangUp")
        self.finish()

    def test_the_server_refreshes_by_invite_where_there_is_no_update(self):
        lines = timed("uac", allow=ALLOW_NO_UPDATE)
        first, second = answering(lines)
        again = recv("INVITE", AUDIO) + send("200 OK", LATER + lines, SDP, repeat=True) + recv("ACK")
        refused = (recv("INVITE", AUDIO) + send("491 Request Pending", LATER, repeat=True) + recv("ACK"))
        # The refused one comes again after three seconds, when the other one's next is due.
        call = self.connect(first + again * 2 + pause(1500) + request("BYE", 1), second + refused + again + BYE)
        self.assertEqual(self.ended(call), "CallHangUp")
        self.finish()

    def test_the_peer_refreshes(self):
        first, second = answering(timed("uas"))
        update = request("UPDATE", 1, "      Session-Expires: 6;refresher=uac\n      Supported: timer\n"
                                      "      Content-Length: 0\n")
        short = request("UPDATE", 4, "      Session-Expires: 1\n      Supported: timer\n      Content-Length: 0\n",
                        ("422",))
        # Beyond the time in which it would be taken for gone without them.
        refreshing = pause(2500) + update + pause(2500) + update.replace("CSeq: 1", "CSeq: 3")
        call = self.connect(first + refreshing + pause(500) + request("BYE", 4), second + refreshing + short + BYE)
        self.assertEqual(self.ended(call), "CallHangUp")
        self.finish()

    def test_a_peer_that_asks_for_a_longer_timer_gets_it(self):
        longer = (recv_invite() + send("422 Session Interval Too Small", FIRST + "      Min-SE: 600\n", repeat=True)
                  + recv("ACK") + RING.replace('<recv request="INVITE" rrs="true"><action>',
                                               '<recv request="INVITE" rrs="true"><action><ereg regexp='
                                               '"Session-Expires: 600" search_in="msg" check_it="true" '
                                               'assign_to="se"/><log message="[$se]"/>'))
        rest = FIRST_CONNECTED[len(RING):]
        call = self.connect(longer + rest + BYE, SECOND_CONNECTED + pause(100) + request("BYE", 1))
        self.assertEqual(self.ended(call), "CallHangUp")
        self.finish()

    def test_a_200_that_comes_again_gets_its_ack_again(self):
        """Its own, not that of the last one, as a lost ACK may be of any of them; and the same to the letter, or a peer
        would take it for something new."""
        first, second = [SipUser(f"{name}@outside.example", ("127.0.0.1", self.sip_port)) for name in ("a", "b")]
        for phone in (first, second):
            self.addCleanup(phone.close)

        def acknowledged(phone, invite):
            phone.reply(invite, 200, "OK", PHONE_SDP.format(port=phone.port))
            ack = phone.take(lambda m: m.method == "ACK")
            return ack.first, ack.headers, ack.body

        call = self.v2.makeCall(callingParty=first.contact.strip("<>"), calledParty=second.contact.strip("<>"))
        invited = first.invited()
        silence = acknowledged(first, invited)
        self.assertIn(SILENT, silence[2])
        self.assertEqual(acknowledged(first, invited), silence)
        called = second.invited()
        second.reply(called, 200, "OK", PHONE_SDP.format(port=second.port))
        joined = acknowledged(first, first.invited())
        self.assertEqual(joined[2], "")
        ack = second.take(lambda m: m.method == "ACK")
        self.assertIn(f"m=audio {first.port} ", ack.body)
        self.assertEqual(acknowledged(second, called), (ack.first, ack.headers, ack.body))
        self.assertEqual(acknowledged(first, invited), silence)
        self.until_status(call, "CallConnected")
        self.v2.endCall(callIdentifier=call)
        for phone in (first, second):
            phone.expect_bye()

    def test_the_servers_bye_crosses_that_of_its_peer(self):
        """The answer to the server's BYE comes when the peer's own has ended the dialog already."""
        keep = "".join(f'<ereg regexp=".*" search_in="hdr" header="{header}:" assign_to="{name}"/>'
                       for header, name in (("Via", "via"), ("CSeq", "seq")))
        crossing = (f'  <recv request="BYE"><action>{keep}<log message="[$via] [$seq]"/></action></recv>\n'
                    + request("BYE", 1)
                    + send("200 OK", "      Via: [$via]\n      From: [$from]\n      To: [$to];tag=[pid]SIPpTag01[call_number]\n"
                                     "      [last_Call-ID:]\n      CSeq: [$seq]\n"))
        call = self.connect(FIRST_CONNECTED + crossing, SECOND_CONNECTED + crossing)
        self.v2.endCall(callIdentifier=call)
        self.finish()
        # Their answers have come when a later request is answered.
        again = self.connect(FIRST_CONNECTED + BYE, SECOND_CONNECTED + BYE)
        self.v2.endCall(callIdentifier=again)
        self.finish()

    def test_a_peer_that_died_pays_until_its_last_sign_of_life(self):
        self.command("tariff", "add", "talk", "--unit", "seconds", "--currency", "EUR", "--price", "0.10",
                     "--service", "TALK")
        first, _ = answering(timed("uas"))
        _, second = answering(timed("uas", seconds=60))
        alice = self.client("v2_3", "alice")
        call = self.connect(first + recv_with("BYE", GONE) + send("200 OK", LATER), second + BYE, client=alice,
                            charging={"description": "talk", "currency": "EUR", "code": "TALK"})
        self.assertEqual(self.ended(call, alice), "CallAborted")
        self.finish()
        # It was silent for four seconds, in which nobody talked to anybody.
        self.until(lambda: self.query("select count(*) from holds where state = 'open'") == "0", "the charge")
        charge, seconds = self.query(f"select charge, seconds from calls where call_id = '{call}'").split("|")
        self.assertIn(charge, ("0.10", "0.20"))
        self.assertLess(int(seconds), 3)

    def test_peers_without_timers_are_asked_for_a_sign_of_life(self):
        options = recv("OPTIONS") + send("200 OK", LATER)
        call = self.connect(FIRST_CONNECTED + options + BYE,
                            SECOND_CONNECTED + options + recv("OPTIONS")
                            + send("481 Call/Transaction Does Not Exist", LATER) + recv_with("BYE", GONE)
                            + send("200 OK", LATER))
        # The first one may be asked again before the second is found gone.
        self.assertEqual(self.ended(call), "CallAborted")
        self.assertEqual(self.peers[1].finish(), "")

    def test_why_it_ended_is_said(self):
        call = self.connect(FIRST_CONNECTED + recv_with("BYE", "Reason: Q.850;cause=16") + send("200 OK", LATER),
                            SECOND_CONNECTED + recv_with("BYE", "Reason: Q.850;cause=16") + send("200 OK", LATER))
        self.v2.endCall(callIdentifier=call)
        self.finish()
        self.peers.clear()
        busy = self.peer("busy", recv_invite() + send("486 Busy Here", FIRST, repeat=True) + recv("ACK"))
        waits = self.peer("waits", ANSWER + recv("ACK", SILENT) + recv_with("BYE", "Reason: Q.850;cause=17")
                          + send("200 OK", LATER))
        call = self.v2.makeCall(callingParty=waits.uri, calledParty=busy.uri)
        self.assertEqual(self.ended(call), "CalledPartyBusy")
        self.finish()
        self.peers.clear()
        rings = self.peer("rings", RING + recv_with("CANCEL", "Reason: Q.850;cause=31") + send("200 OK", FIRST)
                          + send("487 Request Terminated", CANCELLED, repeat=True) + recv("ACK"))
        call = self.v2.makeCall(callingParty=rings.uri, calledParty=NOWHERE)
        self.until(lambda: "180 Ringing" in self.command("call", "trace", call), "the ringing")
        self.v2.cancelCallRequest(callIdentifier=call)
        self.finish()

    def test_both_hang_up_at_once(self):
        # Whose BYE comes first is chance: sipp takes the other one's for unexpected, and answers it.
        one = pause(300) + request("BYE", 1)
        call = self.connect(FIRST_CONNECTED + one, SECOND_CONNECTED + one)
        self.assertEqual(self.ended(call), "CallHangUp")
        self.until(lambda: self.legs() == 0, "the end of both legs")

    def test_a_party_asks_for_an_offer(self):
        """An INVITE without a description: it gets the other one's, and answers in its ACK."""
        ack = SCENARIOS["holds"].split("</recv>\n  <send><![CDATA[\n\n      ACK", 1)[1].split("]]></send>")[0]
        ack = "  <send><![CDATA[\n\n      ACK" + ack.replace("      Content-Length: 0\n", SDP.split("\n", 1)[1]) \
              + "]]></send>\n"
        offerless = request("INVITE", 1, answers=("100", "200"))
        call = self.connect(FIRST_CONNECTED + recv_with("INVITE", "Content-Length: 0")
                            + send("200 OK", LATER, SDP, repeat=True) + recv("ACK", AUDIO) + BYE,
                            SECOND_CONNECTED + pause(200) + offerless + ack + request("BYE", 2))
        self.assertEqual(self.ended(call), "CallHangUp")
        self.finish()

    def test_a_refused_change_leaves_the_call_as_it_was(self):
        sdp = SDP.replace("Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n      ", "")
        for status, phrase in (("488", "Not Acceptable Here"), ("491", "Request Pending")):
            with self.subTest(status):
                refused = request("INVITE", 1, sdp, ("100", status))
                call = self.connect(
                    FIRST_CONNECTED + recv("INVITE", AUDIO) + send(f"{status} {phrase}", LATER, repeat=True)
                    + recv("ACK") + recv("INFO", "Signal=5") + send("200 OK", LATER) + BYE,
                    SECOND_CONNECTED + pause(200) + refused + self.ack_of_refusal()
                    + request("INFO", 2, "      Content-Type: application/dtmf-relay\n      Content-Length: [len]\n\n"
                                         "      Signal=5\n") + request("BYE", 3))
                self.assertEqual(self.ended(call), "CallHangUp")
                self.finish()
                self.peers.clear()

    @staticmethod
    def ack_of_refusal():
        return """  <send><![CDATA[

      ACK [next_url] SIP/2.0
      [last_Via:]
      From: [$to];tag=[pid]SIPpTag01[call_number]
      To: [$from]
      [last_Call-ID:]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0

    ]]></send>
"""

    def test_a_trace_shows_the_ladder(self):
        call = self.connect(SCENARIOS["first"], SCENARIOS["second"])
        self.v2.endCall(callIdentifier=call)
        self.finish()
        ladder = [line.split("ms  ", 1)[1] for line in self.command("call", "trace", call).splitlines()[2:]]
        kinds = [line.split(" sip:")[0] for line in ladder]
        for line in ("-> 1  INVITE", "<- 1  180 Ringing (INVITE)", "<- 1  200 OK (INVITE) with a body",
                     "-> 1  ACK with a body", "-> 2  INVITE", "-> 1  INVITE with a body", "-> 2  ACK with a body",
                     "-> 1  BYE", "<- 2  200 OK (BYE)"):
            self.assertIn(line, kinds)
        self.assertLess(kinds.index("<- 1  200 OK (INVITE) with a body"), kinds.index("-> 2  INVITE"))
        for user, status in (("demo-app", 200), ("admin", 200), ("alice", 404)):
            answer = requests.get(f"{self.url}/ParlayX/calls/{call}", auth=(user, user), timeout=10)
            # The administrator of the caller's domain may read it; who is another subscriber may not.
            self.assertEqual(answer.status_code, status, user)
        self.assertEqual(requests.get(f"{self.url}/ParlayX/calls/{call}", timeout=10).status_code, 401)
        _, errors, status = run([self.program, "call", "trace", "0" * 32], cwd=self.folder)
        self.assertEqual((status, errors), (1, "Refused: No such call\n\n"))


KAMAILIO = """
debug=1
log_stderror=yes
children=1
tcp_children=1
listen=udp:127.0.0.1:{port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
modparam("auth", "nonce_expire", 1)
request_route {{
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (is_method("ACK")) {{
        if (loose_route() || t_check_trans()) t_relay();
        exit;
    }}
    # The core's requests only; its phones' are not asked.
    if ($sp == {core}) {{
        if (!pv_proxy_authenticate("test.example", "right:secret", "0") || $au != "ledger") {{
            proxy_challenge("test.example", "1");
            exit;
        }}
        consume_credentials();
    }}
    if (has_totag()) {{
        if (loose_route()) t_relay();
        else sl_send_reply("404", "Not here");
        exit;
    }}
    record_route();
    t_relay();
}}
"""


class Proxied(CallCase):
    """Everything goes over a proxy that asks for a password, and forgets its nonces after a second."""
    program = SipFeatures.program
    proxy_port = free_port()
    settings = {"SIP_OUTBOUND_PROXY": f"127.0.0.1:{proxy_port}", "SIP_USER": "ledger", "SIP_ASSERT_IDENTITY": "true"}

    @classmethod
    def setUpClass(cls):
        cls.settings = dict(cls.settings, SIP_PASSWORD_FILE=f"/tmp/ledgerline-sip-password-{os.getpid()}")
        with open(cls.settings["SIP_PASSWORD_FILE"], "w", encoding="utf-8") as file:
            file.write("right:secret\n")
        cls.addClassCleanup(os.unlink, cls.settings["SIP_PASSWORD_FILE"])
        super().setUpClass()
        config = os.path.join(cls.folder, "kamailio.cfg")
        with open(config, "w", encoding="utf-8") as file:
            file.write(KAMAILIO.format(port=cls.proxy_port, core=cls.sip_port))
        cls.log = open(os.path.join(cls.folder, "kamailio.log"), "w", encoding="utf-8")
        cls.proxy = subprocess.Popen(["kamailio", "-f", config, "-DD", "-E", "-m", "64", "-M", "8", "-Y", cls.folder],
                                     stdin=subprocess.DEVNULL, stdout=cls.log, stderr=subprocess.STDOUT)
        cls.addClassCleanup(cls.log.close)
        cls.addClassCleanup(cls.end_proxy)
        deadline = time.monotonic() + 20
        while f":{cls.proxy_port:04X} " not in open("/proc/net/udp", encoding="ascii").read():
            assert time.monotonic() < deadline and cls.proxy.poll() is None, "kamailio does not start"
            time.sleep(0.05)

    @classmethod
    def end_proxy(cls):
        cls.proxy.terminate()
        try:
            cls.proxy.wait(10)
        except subprocess.TimeoutExpired:
            cls.proxy.kill()
            cls.proxy.wait()

    @staticmethod
    def routed(steps):
        """Answers keep the proxy's route."""
        return steps.replace("      [last_Via:]\n", "      [last_Via:]\n      [last_Record-Route:]\n")

    def test_challenges_are_answered_also_when_their_nonce_is_stale(self):
        first, second = self.peer("first", self.routed(SCENARIOS["first"])), self.peer(
            "second", self.routed(SCENARIOS["second"]))
        call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
        self.until_status(call, "CallConnected")
        time.sleep(3)  # the nonces' time, and more
        self.v2.endCall(callIdentifier=call)
        self.finish()
        ladder = self.command("call", "trace", call)
        self.assertEqual(ladder.count("407 Proxy Authentication Required (INVITE)"), 2, ladder)
        self.assertEqual(ladder.count("407 Proxy Authentication Required (BYE)"), 2, ladder)
        self.assertEqual(ladder.count("200 OK (BYE)"), 2, ladder)

    def test_the_proxy_is_told_who_calls(self):
        for name, shown in ((None, ""), ('Al "x" Ice', ".Al x Ice. ")):
            with self.subTest(name):
                first = self.peer("first", self.routed(SCENARIOS["first"]))
                identity = f"P-Asserted-Identity: {shown}.sip:first@127.0.0.1:{first.port}."
                check = recv_invite().replace("<action>", f'<action><ereg regexp="{identity}" search_in="msg" '
                                              'check_it="true" assign_to="pai"/><log message="[$pai]"/>')
                steps = check + SECOND_CONNECTED[len(recv_invite()):] + BYE
                second = self.peer("second", self.routed(steps))
                call = self.v3.makeCallSession(callParticipants=[first.uri, second.uri], callingParticipantName=name,
                                               changeMediaNotAllowed=False)
                self.until_status(call, "CallConnected")
                self.v2.endCall(callIdentifier=call)
                self.finish()
                self.peers.clear()


if __name__ == "__main__":
    unittest.main()
