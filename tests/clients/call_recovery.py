#!/usr/bin/python3
"""A server that is killed during calls: the next one hangs up, charges what was answered, gives back the rest.

    call_recovery.py LEDGERLINE
"""
import os
import shutil
import sys
import tempfile
import time
import unittest
from decimal import Decimal

import requests
import zeep
from zeep.transports import Transport

from server import Server, run, server_info
from sip_peers import SCENARIOS, Peer, free_port

LEDGERLINE = os.path.abspath(sys.argv.pop(1))


class CallRecovery(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-recovery-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.sip_port = free_port()
        self.peers = []

    def start(self):
        # All of one run but the SIP address may differ from the one before.
        environment = dict(os.environ, LEDGERLINE_LOG_LEVEL="warning")
        return Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0",
                       "--sip-listen", f"127.0.0.1:{self.sip_port}"], self.folder, environment)

    def client(self):
        session = requests.Session()
        session.auth = ("alice", "alice")
        session.trust_env = False
        url = server_info(os.path.join(self.folder, "var"))["url"]
        return zeep.Client(f"{url}/ParlayX/v2_3/ThirdPartyCall?wsdl",
                           transport=Transport(session=session, operation_timeout=60)).service

    def peer(self, name):
        peer = Peer(self.folder, name.replace("_", "-"), SCENARIOS[name])
        self.peers.append(peer)
        self.addCleanup(peer.stop)
        return peer

    def query(self, text):
        output, errors, status = run([LEDGERLINE, "psql", "--", "-At", "-c", text], cwd=self.folder)
        self.assertEqual(status, 0, errors)
        return output.strip()

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
        server.kill()

        again = self.start()
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the records' ends")
        for peer in (first, second, parked):
            self.assertEqual(peer.finish(), "")  # each got its BYE
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


if __name__ == "__main__":
    unittest.main()
