#!/usr/bin/python3
"""Third-party calls over a wire that loses datagrams, each for itself, both ways: every call ends as it should, is paid for
if and only if it was connected, and leaves nothing behind.

    sip_loss.py LEDGERLINE
        SIP_LOSS_SEED=N repeats what is lost, SIP_LOSS_CALLS=N their number, SIP_LOSS_PERCENT=N how much is lost

The loss is made at the phones' sockets: the kernels that this runs on need not have netem, and what came as far as the socket
is known, lost or not. sipp's -lost does not serve: its peers do not repeat what was lost in every place.
"""
import os
import random
import sys
import time
import unittest
from decimal import Decimal

import zeep

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))
from call_case import CallCase  # noqa: E402
from patient_phone import PatientPhone  # noqa: E402

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
SEED = int(os.environ.get("SIP_LOSS_SEED", random.SystemRandom().randrange(10**9)))
CALLS = int(os.environ.get("SIP_LOSS_CALLS", 36))
LOSS = int(os.environ.get("SIP_LOSS_PERCENT", 12)) / 100
CALLS_A_SECOND = 10
PRICE = Decimal("0.01")
ALICE = "tel:+15550001"
# What the parties do, and what comes of it where the loss is overcome.
KINDS = (("answers", "answers", "hang-up"), ("leaves", "answers", "hang-up"), ("answers", "leaves", "hang-up"),
         ("busy", "answers", "busy"), ("answers", "busy", "busy"), ("answers", "rings", "aborted"))
# Where a message was lost as often as it was sent.
GIVEN_UP = {"not-reachable", "no-answer", "aborted"}
UNTIL_ALL_IS_GIVEN_UP = 120  # seconds: four time-outs of 32 s in a row
MEMORY_MB = 16  # what the program allots once; 36 calls have 1 MB


class SipLoss(CallCase):
    program = LEDGERLINE
    settings = {"CALL_LINGER": "1s", "CALL_NO_ANSWER": "40s"}

    def setUp(self):
        super().setUp()
        print(f"SIP_LOSS_SEED={SEED}", flush=True)
        self.alice = self.client("v2_3", "alice")
        self.first = self.phone(SEED)
        self.second = self.phone(SEED + 1)

    def phone(self, seed):
        phone = PatientPhone(("127.0.0.1", self.sip_port), LOSS, seed)
        self.addCleanup(phone.close)
        return phone

    def start(self, number):
        """Its identifier, the parties' names and what should come of it."""
        one, other, cause = KINDS[number % len(KINDS)]
        names = f"{one}-{number}", f"{other}-{number}"
        call = self.alice.makeCall(callingParty=self.first.uri(names[0]), calledParty=self.second.uri(names[1]),
                                   charging={"description": "lossy", "currency": "EUR", "amount": PRICE})
        return call, names, cause

    def status(self, call):
        try:
            return self.alice.getCallInformation(callIdentifier=call).callStatus
        except zeep.exceptions.Fault as fault:
            self.assertIn("SVC0002", fault.message)  # not even lingering
            return "CallTerminated"

    def end_those_that_are_ours(self, calls):
        """Cancelled where the second party rings, hung up where both wait for us to."""
        open_ = [(call, names) for call, names, _ in calls
                 if not any(name.startswith(("leaves", "busy")) for name in names)]
        deadline = time.monotonic() + UNTIL_ALL_IS_GIVEN_UP
        while open_ and time.monotonic() < deadline:
            time.sleep(0.1)
            for call, names in tuple(open_):
                if (status := self.status(call)) == "CallTerminated":
                    open_.remove((call, names))
                elif names[1].startswith("rings") and names[1] in self.second.invited:
                    self.alice.cancelCallRequest(callIdentifier=call)
                    open_.remove((call, names))
                elif status == "CallConnected":
                    self.alice.endCall(callIdentifier=call)
                    open_.remove((call, names))
        self.assertEqual(open_, [])

    def connected(self, name):
        """The ACK with the first party's description went out to the second: then both are connected."""
        return any("m=audio" in body and "m=audio 0 " not in body for body in self.second.acknowledged.get(name, ()))

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def run_calls(self):
        calls = []
        begun = time.monotonic()
        for number in range(CALLS):
            time.sleep(max(0, begun + number / CALLS_A_SECOND - time.monotonic()))
            calls.append(self.start(number))
        self.end_those_that_are_ours(calls)
        deadline = time.monotonic() + UNTIL_ALL_IS_GIVEN_UP
        while (legs := self.legs()) > 0 and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(legs, 0)
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the records' ends")
        return calls

    def test_every_call_ends_and_only_those_that_were_connected_are_paid(self):
        before = Decimal(self.held(ALICE).split("|")[0])
        memory = self.memory()
        calls = self.run_calls()
        records = {row[0]: row[1:] for row in (line.split("|") for line in self.query(
            "select call_id, state, cause, coalesce(charge, 0) from calls").splitlines())}
        paid = [call for call, names, _ in calls if self.connected(names[1])]
        as_meant = 0
        for call, names, cause in calls:
            with self.subTest(f"{names[0]} and {names[1]}"):
                state, why, charge = records[call]
                self.assertEqual(state, "terminated")
                self.assertIn(why, {cause} | GIVEN_UP)
                self.assertEqual(Decimal(charge), PRICE if call in paid else 0)
                as_meant += why == cause
        lost, passed = (sum(getattr(phone, name) for phone in (self.first, self.second)) for name in ("lost", "passed"))
        print(f"{len(calls)} calls, {as_meant} ended as meant, {len(paid)} paid; {lost} of {lost + passed} datagrams lost; "
              f"memory {memory:.1f} MB before, {self.memory():.1f} MB in the end", flush=True)
        # 12 % each way and seven tries: of 30,000 INVITEs one is given up.
        self.assertGreaterEqual(as_meant, 0.9 * len(calls))
        self.assertGreater(lost, 0)
        self.until(lambda: self.held(ALICE) == f"{before - PRICE * len(paid)}|0.00", "the account's balance")
        self.assertEqual(self.query("select count(*), -sum(amount) from journal where kind = 'capture'"),
                         f"{len(paid)}|{PRICE * len(paid)}")
        self.assertEqual(self.query("select count(*) from holds where state = 'open'"), "0")
        self.until(lambda: self.memory() < memory + MEMORY_MB, "memory back")


if __name__ == "__main__":
    unittest.main()
