#!/usr/bin/python3
"""A server that is killed during calls: the next one hangs up, charges what was answered, gives back the rest.

    call_recovery.py LEDGERLINE
"""
import os
import shutil
import signal
import sys
import tempfile
import time
import unittest
from decimal import Decimal

import requests
import zeep
from zeep.transports import Transport

from server import Server, run, server_info, sql
from sip_peers import BYE, FIRST, SCENARIOS, SDP, Peer, free_port, pause, recv, recv_invite, send
from sip_user import SipUser

LEDGERLINE = os.path.abspath(sys.argv.pop(1))


class CallRecovery(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-recovery-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.sip_port = free_port()
        self.peers = []

    def start(self, *options, sip_port=None):
        # All of one run but the SIP address may differ from the one before.
        environment = dict(os.environ, LEDGERLINE_LOG_LEVEL="warning", LEDGERLINE_CALL_HEARTBEAT="200ms",
                           LEDGERLINE_CALL_HEARTBEAT_PATIENCE="2s",
                           LEDGERLINE_AUTH_KEY_FILE=os.path.join(self.folder, "key"))
        return Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0",
                       "--sip-listen", f"127.0.0.1:{sip_port or self.sip_port}", *options], self.folder, environment)

    def client(self, data_dir="var"):
        session = requests.Session()
        session.auth = ("alice", "alice")
        session.trust_env = False
        url = server_info(os.path.join(self.folder, data_dir))["url"]
        return zeep.Client(f"{url}/ParlayX/v2_3/ThirdPartyCall?wsdl",
                           transport=Transport(session=session, operation_timeout=60)).service

    def peer(self, name, steps=None):
        peer = Peer(self.folder, name.replace("_", "-"), steps or SCENARIOS[name])
        self.peers.append(peer)
        self.addCleanup(peer.stop)
        return peer

    def query(self, text):
        output, errors, status = run([LEDGERLINE, "psql", "--", "-At", "-c", text], cwd=self.folder)
        self.assertEqual(status, 0, errors)
        return output.strip()

    def legs(self, data_dir):
        metrics = requests.get(server_info(os.path.join(self.folder, data_dir))["url"] + "/metrics", timeout=10).text
        return next(line for line in metrics.splitlines() if line.startswith("ledgerline_call_legs ")).split()[1]

    def dialogs(self, call):
        """How many the call's record keeps; none as long as it is not written."""
        statement = f"select coalesce(max(jsonb_array_length(dialogs)), 0) from ledger.call where call_id = '{call}'"
        return int(sql(os.path.join(self.folder, "var"), statement, "postgres")[0])

    def until(self, look, what):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if value := look():
                return value
            time.sleep(0.02)
        raise AssertionError(f"{what} did not come")

    def test_calls_of_a_killed_server(self):
        server = self.start()
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        soap = self.client()
        first, second = self.peer("first"), self.peer("second")
        charging = {"description": "a call", "currency": "EUR", "amount": Decimal("0.25")}
        parked, ringing = self.peer("first_parked"), self.peer("rings")
        waiting = soap.makeCall(callingParty=parked.uri, calledParty=ringing.uri, charging=charging)
        self.until(lambda: self.query("select count(*) from calls where parties->0->>'state' = 'connected'") == "1",
                   "the first party's answer")
        connected = soap.makeCall(callingParty=first.uri, calledParty=second.uri, charging=charging)
        self.until(lambda: soap.getCallInformation(callIdentifier=connected).callStatus == "CallConnected", "the call")
        self.until(lambda: self.dialogs(waiting) == 2, "the record that the second one rings")
        server.kill()

        again = self.start()
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the records' ends")
        for peer in (first, second, parked, ringing):
            self.assertEqual(peer.finish(), "")  # each got its BYE, or its CANCEL
        rows = self.query("select call_id, state, cause, started_at is not null, charge, "
                          "parties->0->>'cause', parties->1->>'cause' from calls").splitlines()
        self.assertCountEqual(rows, [f"{connected}|terminated|aborted|t|0.25|aborted|aborted",
                                     f"{waiting}|terminated|aborted|f||aborted|aborted"])
        self.assertEqual(self.query("select count(*) from holds where state = 'open'"), "0")
        self.assertEqual(self.query("select posted, held from balances where address = 'tel:+15550001' "
                                    "and balance_type = 'main'"), "99.75|0.00")
        self.assertEqual(self.query("select amount, kind, description from journal where kind = 'capture'"),
                         "-0.25|capture|a call")
        self.assertEqual(self.query("select count(*) from trial_balance where total <> 0"), "0")
        self.assertEqual(again.stop(), 0, again.output)

    def test_all_telephones_that_rang_for_a_killed_server(self):
        server = self.start()
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        phones = [SipUser("bob@example.com", ("127.0.0.1", self.sip_port), "bob") for _ in range(3)]
        for phone in phones:
            self.addCleanup(phone.close)
        self.assertEqual(phones[0].register(*[phone.contact for phone in phones]).status, 200)
        parked = self.peer("first_parked")
        call = self.client().makeCall(callingParty=parked.uri, calledParty="sip:bob@example.com")
        invites = [phone.invited() for phone in phones]
        for phone, invite in zip(phones[:2], invites):
            phone.reply(invite, 180, "Ringing")
        phones[2].reply(invites[2], 486)
        self.until(lambda: self.dialogs(call) == 3, "the record of the first party and of two that ring")
        server.kill()
        again = self.start()
        for phone, invite in zip(phones[:2], invites):
            phone.expect_cancel(invite, 20)
        self.assertEqual(parked.finish(), "")
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the record's end")
        self.assertEqual(again.stop(), 0, again.output)

    def test_a_call_that_is_paid_by_time(self):
        server = self.start()
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        _, errors, status = run([LEDGERLINE, "tariff", "add", "talk", "--unit", "seconds", "--currency", "EUR",
                                 "--price", "0.10", "--service", "TALK"], cwd=self.folder)
        self.assertEqual(status, 0, errors)
        soap = self.client()
        first, second = self.peer("first"), self.peer("second")
        call = soap.makeCall(callingParty=first.uri, calledParty=second.uri,
                             charging={"description": "talk", "currency": "EUR", "code": "TALK"})
        self.until(lambda: soap.getCallInformation(callIdentifier=call).callStatus == "CallConnected", "the call")
        connected = time.monotonic()
        server.kill()
        again = self.start()
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the record's end")
        lasted = time.monotonic() - connected
        for peer in (first, second):
            self.assertEqual(peer.finish(), "")
        self.assertEqual(self.query("select count(*) from holds where state = 'open'"), "0")
        # What it lasted until the new server ended it, and no more than the minute that was held.
        charge, posted = self.query("select c.charge, b.posted from calls c, balances b "
                                    "where b.address = 'tel:+15550001' and b.balance_type = 'main'").split("|")
        self.assertGreaterEqual(Decimal(charge), Decimal("0.10"))
        self.assertLessEqual(Decimal(charge), min(Decimal("6.00"), Decimal(int(lasted) + 2) / 10))
        self.assertEqual(Decimal(posted), 100 - Decimal(charge))
        self.assertEqual(self.query("select count(*) from trial_balance where total <> 0"), "0")
        self.assertEqual(again.stop(), 0, again.output)

    def test_who_answers_after_the_crash_is_hung_up(self):
        server = self.start()
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        # Nothing was heard of it when the server was killed: its answer comes to the next one.
        late = self.peer("late", recv_invite() + pause(1500) + send("200 OK", FIRST, SDP, repeat=True) + recv("ACK") + BYE)
        call = self.client().makeCall(callingParty=late.uri, calledParty="tel:+15550002")
        trace = server_info(os.path.join(self.folder, "var"))["url"] + "/ParlayX/calls/" + call
        self.until(lambda: "INVITE" in requests.get(trace, auth=("alice", "alice"), timeout=10).text, "the INVITE")
        server.kill()
        again = self.start()
        self.assertEqual(late.finish(), "")
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the record's end")
        self.assertEqual(again.stop(), 0, again.output)

    def test_calls_of_a_node_that_died_are_ended_by_another(self):
        server = self.start()
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        socket = os.path.realpath(os.path.join(self.folder, "var", "socket"))
        other_port = free_port()
        other = self.start("--data-dir", os.path.join(self.folder, "other"), "--database",
                           f"postgresql://postgres@/ledgerline?host={socket}", sip_port=other_port)
        self.addCleanup(lambda: other.process.poll() is None and other.kill())
        charging = {"description": "a call", "currency": "EUR", "amount": Decimal("0.25")}
        connected, held = {}, []
        for name in ("var", "other"):
            soap = self.client(name)
            first, second = self.peer("first"), self.peer("second")
            connected[name] = soap.makeCall(callingParty=first.uri, calledParty=second.uri, charging=charging)
            self.until(lambda: soap.getCallInformation(callIdentifier=connected[name]).callStatus == "CallConnected",
                       "the call")
            held.append((first, second))
        parked, ringing = self.peer("first_parked"), SipUser("r@outside.example", ("127.0.0.1", other_port))
        self.addCleanup(ringing.close)
        waiting = soap.makeCall(callingParty=parked.uri, calledParty=ringing.contact.strip("<>"), charging=charging)
        invite = ringing.invited()
        ringing.reply(invite, 180, "Ringing")
        self.until(lambda: self.dialogs(waiting) == 2, "the record that the second one rings")
        other.kill()
        # The CANCEL is the dead node's, but for where it comes from.
        cancel = ringing.take(lambda m: m.method == "CANCEL", 20)
        self.assertEqual((cancel["Call-ID"], cancel["Via"]), (invite["Call-ID"], invite["Via"]))
        ringing.server = ("127.0.0.1", self.sip_port)
        ringing.reply(cancel, 200, "OK")
        # The refusal of the INVITE goes to the dead node; the one that cancelled acknowledges it.
        ack = ringing.take(lambda m: m.method == "ACK", 20)
        self.assertEqual([ack[name] for name in ("Call-ID", "Via", "From", "CSeq")],
                         [invite[name] for name in ("Call-ID", "Via", "From")] + [f"{invite.sequence[0]} ACK"])
        self.assertEqual(ack["To"], f'{invite["To"]};tag=callee')
        for peer in (*held[1], parked):
            self.assertEqual(peer.finish(), "")
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "1", "the records' ends")
        self.assertEqual(self.query(f"select state, cause, charge from calls where call_id = '{connected['other']}'"),
                         "terminated|aborted|0.25")
        self.assertEqual(self.query("select count(*) from holds where state = 'open'"), "0")
        # The call of the one that lives goes on.
        soap = self.client()
        self.assertEqual(soap.getCallInformation(callIdentifier=connected["var"]).callStatus, "CallConnected")
        soap.endCall(callIdentifier=connected["var"])
        for peer in held[0]:
            self.assertEqual(peer.finish(), "")
        self.assertEqual(server.stop(), 0, server.output)

    def test_a_node_that_hung_longer_than_the_others_wait(self):
        server = self.start()
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        socket = os.path.realpath(os.path.join(self.folder, "var", "socket"))
        other = self.start("--data-dir", os.path.join(self.folder, "other"), "--database",
                           f"postgresql://postgres@/ledgerline?host={socket}", sip_port=free_port())
        self.addCleanup(lambda: other.process.poll() is None and other.kill())
        soap = self.client("other")
        first, second = self.peer("first"), self.peer("second")
        call = soap.makeCall(callingParty=first.uri, calledParty=second.uri,
                             charging={"description": "a call", "currency": "EUR", "amount": Decimal("0.25")})
        self.until(lambda: soap.getCallInformation(callIdentifier=call).callStatus == "CallConnected", "the call")
        os.kill(other.process.pid, signal.SIGSTOP)
        try:
            for peer in (first, second):
                self.assertEqual(peer.finish(), "")
            self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the record's end")
        finally:
            os.kill(other.process.pid, signal.SIGCONT)
        record = f"select state, cause, charge from calls where call_id = '{call}'"
        self.assertEqual(self.query(record), "terminated|aborted|0.25")
        # It hears so when it is back: nobody has to ask it to end the call, and it changes nothing any more.
        def ended():
            information = soap.getCallInformation(callIdentifier=call)
            return information if information.callStatus == "CallTerminated" else None
        self.assertEqual(self.until(ended, "the end at the node that is back").terminationCause, "CallAborted")
        with self.assertRaises(zeep.exceptions.Fault) as raised:
            soap.endCall(callIdentifier=call)
        self.assertIn("SVC0261", raised.exception.message)
        self.until(lambda: self.legs("other") == "0", "the legs' end")
        again = self.peer("first"), self.peer("second")
        later = soap.makeCall(callingParty=again[0].uri, calledParty=again[1].uri)
        self.until(lambda: soap.getCallInformation(callIdentifier=later).callStatus == "CallConnected", "another call")
        soap.endCall(callIdentifier=later)
        self.assertEqual([peer.finish() for peer in again], ["", ""])
        self.assertEqual(other.stop(), 0, other.output)
        self.assertIn("another node took this one for dead", other.output)
        self.assertEqual(self.query(record), "terminated|aborted|0.25")
        self.assertEqual(self.query("select count(*) from journal where kind = 'capture'"), "1")
        self.assertEqual(self.query("select count(*) from holds where state = 'open'"), "0")
        self.assertEqual(server.stop(), 0, server.output)


if __name__ == "__main__":
    unittest.main()
