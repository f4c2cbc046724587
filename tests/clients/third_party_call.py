#!/usr/bin/python3
"""Third-party calls: a SOAP client from the published WSDL on one side, real SIP peers on the other.

    third_party_call.py LEDGERLINE
"""
import os
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import requests
import zeep

from call_case import CallCase
from phones import Phone
from server import locked, run, sql
from sip_peers import SCENARIOS, Peer, free_port, refusal
from sip_user import SipUser

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
LINGER_SECONDS = 2
NO_ANSWER_SECONDS = 1


class ThirdPartyCall(CallCase):
    program = LEDGERLINE
    settings = {"CALL_LINGER": f"{LINGER_SECONDS}s", "CALL_NO_ANSWER": f"{NO_ANSWER_SECONDS}s", "CALL_SLICE": "2s",
                "CALL_SLICE_AHEAD": "1s", "CALL_DENY": "sip:premium@", "CALL_CALLS_PER_USER": "5"}

    def test_a_call_is_made_read_and_ended(self):
        first, second = self.peer("first"), self.peer("second")
        call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
        information = self.until_status(call, "CallConnected")
        self.assertIsNotNone(information.startTime)
        self.assertIsNone(information.terminationCause)
        self.fault("SVC0260", self.v2.cancelCallRequest, callIdentifier=call)
        self.v2.endCall(callIdentifier=call)
        information = self.v2.getCallInformation(callIdentifier=call)
        self.assertEqual((information.callStatus, information.terminationCause), ("CallTerminated", "CallHangUp"))
        self.assertIsNotNone(information.duration)
        self.fault("SVC0261", self.v2.endCall, callIdentifier=call)
        self.finish()
        ended = time.monotonic()
        self.until(lambda: self.gone(call), "the end of the linger")
        self.assertLess(time.monotonic() - ended, LINGER_SECONDS + 2)

    def gone(self, call):
        try:
            self.v2.getCallInformation(callIdentifier=call)
        except zeep.exceptions.Fault as fault:
            return "SVC0002" in fault.message
        return False

    def test_version_2_0_has_its_mandatory_elements(self):
        first, second = self.peer("first"), self.peer("second")
        charging = {"description": "free", "currency": "", "amount": Decimal(0), "code": ""}
        body = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
            <m:makeCall xmlns:m="http://www.csapi.org/schema/parlayx/third_party_call/v2_0/local">
            <m:callingParty>{first.uri}</m:callingParty><m:calledParty>{second.uri}</m:calledParty>
            <m:charging><description>{charging["description"]}</description><currency/><amount/><code/></m:charging>
            </m:makeCall></s:Body></s:Envelope>"""
        answer = requests.post(self.url + "/ParlayX/", body, auth=("demo-app", "demo-app"), timeout=10,
                               headers={"Content-Type": "text/xml; charset=utf-8"})
        self.assertEqual(answer.status_code, 200, answer.text)
        call = answer.text.split("result>")[1].split("<")[0]
        self.until_status(call, "CallConnected")
        old = self.client("v2_0")
        information = old.getCallInformation(callIdentifier=call)
        self.assertEqual((information.callStatus, information.duration), ("CallConnected", 0))
        old.endCall(callIdentifier=call)
        self.finish()
        # A client that keeps to the schema has to give an amount: zero is none.
        first, second = self.peer("first"), self.peer("second")
        call = old.makeCall(callingParty=first.uri, calledParty=second.uri, charging=dict(charging, currency="EUR"))
        self.until_status(call, "CallConnected", old)
        old.endCall(callIdentifier=call)
        self.finish()
        self.fault("SVC0007", old.makeCall, callingParty="tel:+15550001", calledParty=first.uri,
                   charging=dict(charging, code="NOBODYS"))

    def test_either_party_hangs_up(self):
        for pair in (("first_hangs_up", "second"), ("first", "second_hangs_up")):
            first, second = self.peer(pair[0]), self.peer(pair[1])
            call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
            self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallHangUp")
            self.finish()

    def test_causes_of_either_party(self):
        causes = [(486, True, "Busy"), (603, True, "Busy"), (480, True, "NoAnswer"), (480, False, "NotReachable"),
                  (404, False, "NotReachable"), (500, True, "NotReachable")]
        for status, rings, cause in causes:
            refusing = self.peer("refusing", refusal(status, rings))
            call = self.v2.makeCall(callingParty=refusing.uri, calledParty=f"sip:b@127.0.0.1:{free_port()}")
            self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallingParty" + cause)
        for status, rings, cause in causes[:1] + causes[3:4]:
            first, refusing = self.peer("first_parked"), self.peer("refusing", refusal(status, rings))
            call = self.v2.makeCall(callingParty=first.uri, calledParty=refusing.uri)
            self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CalledParty" + cause)
        refusing = self.peer("refusing", refusal(488, False))
        call = self.v2.makeCall(callingParty=refusing.uri, calledParty=f"sip:b@127.0.0.1:{free_port()}")
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallAborted")
        self.finish()

    def test_nobody_there_and_nobody_answers(self):
        call = self.v2.makeCall(callingParty=f"sip:a@127.0.0.1:{free_port()}", calledParty="tel:+15550002")
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallingPartyNotReachable")
        call = self.v2.makeCall(callingParty="tel:+15550001", calledParty="tel:+15550002")
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallingPartyNotReachable")
        first, rings = self.peer("first_parked"), self.peer("rings")
        call = self.v2.makeCall(callingParty=first.uri, calledParty=rings.uri)
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CalledPartyNoAnswer")
        self.finish()

    def test_cancel_while_either_party_rings(self):
        rings = self.peer("rings")
        call = self.v2.makeCall(callingParty=rings.uri, calledParty=f"sip:b@127.0.0.1:{free_port()}")
        self.until(lambda: self.legs() > 0, "a leg")
        self.v2.cancelCallRequest(callIdentifier=call)
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallAborted")
        first, crossing = self.peer("first_parked"), self.peer("answer_crosses_cancel")
        call = self.v2.makeCall(callingParty=first.uri, calledParty=crossing.uri)
        time.sleep(0.3)  # it rings: nothing outside tells
        self.v2.cancelCallRequest(callIdentifier=call)
        self.finish()
        self.until(lambda: self.legs() == 0, "the last leg's end")

    def test_media_that_does_not_fit_and_glare(self):
        first, second = self.peer("refuses_offer"), self.peer("second_given_up")
        call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallAborted")
        silent = self.peer("no_offer")
        call = self.v2.makeCall(callingParty=silent.uri, calledParty=second.uri)
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallAborted")
        for again in ("glare", "unready"):
            first, second = self.peer(again), self.peer("second")
            call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
            self.until_status(call, "CallConnected")
            self.v2.endCall(callIdentifier=call)
            self.finish()

    def test_hold_and_tones_are_relayed(self):
        first, second = self.peer("held"), self.peer("holds")
        call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallHangUp")
        self.finish()

    def test_over_tcp(self):
        first, second = self.peer("first", transport="t1"), self.peer("second", transport="t1")
        call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
        self.until_status(call, "CallConnected")
        self.v2.endCall(callIdentifier=call)
        self.finish()

    def test_a_session_of_one_takes_another(self):
        first, second = self.peer("first"), self.peer("second")
        session = self.v3.makeCallSession(callParticipants=[first.uri], changeMediaNotAllowed=False)
        reference = {"callSessionIdentifier": session}
        self.until(lambda: self.v3.getCallParticipantInformation(callParticipant=first.uri, **reference)
                   .callParticipantStatus == "CallParticipantConnected", "the first participant")
        self.v3.addCallParticipant(callParticipant=second.uri, **reference)
        variables = self.fault("SVC0002", self.v3.addCallParticipant, callParticipant=second.uri, **reference)
        self.assertEqual(variables, ["callParticipant"])
        self.until(lambda: self.v3.getCallParticipantInformation(callParticipant=second.uri, **reference)
                   .callParticipantStatus == "CallParticipantConnected", "the second participant")
        self.fault("SVC0002", self.v3.deleteCallParticipant, callParticipant="sip:x@127.0.0.1", **reference)
        self.v3.endCallSession(**reference)
        people = self.v3.getCallSessionInformation(**reference).callParticipantInformation
        self.assertEqual([p.callParticipantIdentifier for p in people], [first.uri, second.uri])
        self.assertEqual({p.callParticipantTerminationCause for p in people}, {"CallParticipantHangUp"})
        self.fault("SVC0261", self.v3.endCallSession, **reference)
        self.fault("POL0011", self.v3.makeCallSession, callParticipants=[first.uri], changeMediaNotAllowed=False,
                   mediaInfo=[{"media": "Video", "mediaDirection": "InOut"}])
        self.finish()

    def test_who_may_read_a_call(self):
        """Its starter, and an administrator of the starter's domain; to others it is unknown."""
        first, second = self.peer("first"), self.peer("second")
        call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
        self.until_status(call, "CallConnected")
        session = {"callSessionIdentifier": call}
        self.assertEqual(self.client("v2_3", "admin").getCallInformation(callIdentifier=call).callStatus, "CallConnected")
        people = self.client("v3_4", "admin").getCallSessionInformation(**session).callParticipantInformation
        self.assertEqual([(p.callParticipantIdentifier, p.callParticipantStatus) for p in people],
                         [(party.uri, "CallParticipantConnected") for party in (first, second)])
        self.assertEqual({(info.media, info.mediaDirection) for p in people for info in p.mediaInfo}, {("Audio", "InOut")})
        for user in ("alice", "bob", "finance"):
            v2, v3 = self.client("v2_3", user), self.client("v3_4", user)
            self.assertEqual(self.fault("SVC0002", v2.getCallInformation, callIdentifier=call), ["callIdentifier"])
            self.assertEqual(self.fault("SVC0002", v2.endCall, callIdentifier=call), ["callIdentifier"])
            self.assertEqual(self.fault("SVC0002", v3.getCallParticipantInformation, callParticipant=first.uri, **session),
                             ["callSessionIdentifier"])
        self.v2.endCall(callIdentifier=call)
        self.finish()

    def test_a_charge_is_made_when_both_are_connected(self):
        alice = self.client("v2_3", "alice")
        before = self.held("tel:+15550001")
        charging = {"description": "a call", "currency": "EUR", "amount": Decimal("0.25")}
        call = alice.makeCall(callingParty=f"sip:a@127.0.0.1:{free_port()}", calledParty="tel:+15550002",
                              charging=charging)
        self.until_status(call, "CallTerminated", alice)
        self.until(lambda: self.held("tel:+15550001") == before, "the release")
        first, second = self.peer("first"), self.peer("second")
        call = alice.makeCall(callingParty=first.uri, calledParty=second.uri, charging=charging)
        self.until_status(call, "CallConnected", alice)
        paid = f"{Decimal(before.split('|')[0]) - Decimal('0.25')}|0.00"
        self.until(lambda: self.held("tel:+15550001") == paid, "the charge")
        alice.endCall(callIdentifier=call)
        self.finish()
        query = ("select state, cause, charge, unit, requested_by, called_party, hold_id is not null, seconds is not null "
                 f"from calls where call_id = '{call}'")
        record = f"terminated|hang-up|0.25|EUR|alice@example.com|{second.uri}|t|t"
        self.until(lambda: self.query(query) == record, "the call's record")
        self.assertEqual(self.held("tel:+15550001"), paid)
        for bad in ({"amount": Decimal(-1)}, {"amount": Decimal("0.001")}, {"amount": None}):
            self.fault("SVC0007", alice.makeCall, callingParty=first.uri, calledParty=second.uri,
                       charging=dict(charging, **bad))
        self.fault("SVC0270", alice.makeCall, callingParty=first.uri, calledParty=second.uri,
                   charging=dict(charging, amount=Decimal(5000)))
        # The calling party has no account here that an application could charge.
        self.fault("POL0008", self.v2.makeCall, callingParty=first.uri, calledParty=second.uri, charging=charging)

    def tariff(self, code, price):
        _, errors, status = run([LEDGERLINE, "tariff", "add", code.lower(), "--unit", "seconds", "--currency", "EUR",
                                 "--price", price, "--service", code], cwd=self.folder)
        self.assertEqual(status, 0, errors)

    def test_a_call_is_paid_by_time_as_long_as_there_are_funds(self):
        bob = self.client("v2_3", "bob")
        charging = {"description": "talk", "currency": "EUR", "code": "TALK"}
        self.fault("SVC0007", bob.makeCall, callingParty="sip:a@127.0.0.1:9", calledParty="tel:+15550001",
                   charging=charging)
        self.tariff("TALK", "0.10")
        self.tariff("GOLD", "30.00")
        self.tariff("ROCKET", "51.00")
        # Held ahead, extended, charged by what it lasted.
        first, second = self.peer("first"), self.peer("second")
        call = bob.makeCall(callingParty=first.uri, calledParty=second.uri, charging=charging)
        self.until_status(call, "CallConnected", bob)
        # Whole slices; the next one may be there already when somebody looks.
        ahead = Decimal(self.held("tel:+15550002").removeprefix("100.00|"))
        self.assertEqual((ahead > 0, ahead % Decimal("0.20")), (True, 0))
        self.until(lambda: Decimal(self.held("tel:+15550002").split("|")[1]) >= Decimal("0.40"), "the second slice")
        bob.endCall(callIdentifier=call)
        self.finish()
        record = f"from calls where call_id = '{call}'"
        self.until(lambda: self.query("select count(*) from holds where state = 'open'") == "0", "the hold's end")
        lasted = Decimal(self.query(f"select extract(epoch from ended_at - started_at) {record}"))
        charge = Decimal(self.query(f"select charge {record} and unit = 'EUR'"))
        self.assertLess(abs(charge * 10 - lasted - Decimal("0.5")), Decimal("0.51"))
        self.assertEqual(self.held("tel:+15550002"), f"{100 - charge}|0.00")
        # The second slice can't be paid: the call ends with the first.
        first, second = self.peer("first"), self.peer("second")
        call = bob.makeCall(callingParty=first.uri, calledParty=second.uri, charging=dict(charging, code="GOLD"))
        self.assertEqual(self.until_status(call, "CallTerminated", bob).terminationCause, "CallHangUp")
        self.finish()
        left = f"{40 - charge}|0.00"
        self.until(lambda: self.held("tel:+15550002") == left, "the charge of the paid time")
        self.assertEqual(self.query(f"select charge, seconds from calls where call_id = '{call}'"), "60.00|2")
        for code, fault in (("ROCKET", "SVC0270"), ("NOTHING", "SVC0007"), ("", "SVC0007")):
            self.fault(fault, bob.makeCall, callingParty=first.uri, calledParty=second.uri,
                       charging=dict(charging, code=code))
        self.fault("SVC0007", bob.makeCall, callingParty=first.uri, calledParty=second.uri,
                   charging=dict(charging, currency="USD"))

    def test_a_call_costs_the_price_of_its_code(self):
        _, errors, status = run([LEDGERLINE, "tariff", "price", "SETUP", "0.50", "EUR"], cwd=self.folder)
        self.assertEqual(status, 0, errors)
        alice = self.client("v2_3", "alice")
        before = Decimal(self.held("tel:+15550001").split("|")[0])
        first, second = self.peer("first"), self.peer("second")
        call = alice.makeCall(callingParty=first.uri, calledParty=second.uri,
                              charging={"description": "setup", "code": "SETUP"})
        self.until_status(call, "CallConnected", alice)
        self.until(lambda: self.held("tel:+15550001") == f"{before - Decimal('0.50')}|0.00", "the charge")
        alice.endCall(callIdentifier=call)
        self.finish()
        self.assertEqual(self.query(f"select charge, unit from calls where call_id = '{call}'"), "0.50|EUR")

    def test_who_may_do_what(self):
        first, second = self.peer("first"), self.peer("second")
        alice, bob, admin = (self.client("v2_3", user) for user in ("alice", "bob", "admin"))
        call = alice.makeCall(callingParty=first.uri, calledParty=second.uri)
        self.until_status(call, "CallConnected", alice)
        for stranger in (bob, self.v2):
            self.fault("SVC0002", stranger.getCallInformation, callIdentifier=call)
            self.fault("SVC0002", stranger.endCall, callIdentifier=call)
        self.assertEqual(admin.getCallInformation(callIdentifier=call).callStatus, "CallConnected")
        admin.endCall(callIdentifier=call)
        self.finish()
        for address, message_id in (("sip:premium@127.0.0.1:5999", "POL0001"), ("sip:a@192.0.2.1", "POL0001"),
                                    ("tel:+4930123", "POL0001"), ("mailto:a@b", "SVC0004"), ("tel:abc", "SVC0004"),
                                    ("sip:", "SVC0004"), ("sip:@127.0.0.1", "SVC0004"), ("sip:a@127.0.0.1:99999", "SVC0004"),
                                    ("sip:a@outside.example;x=@127.0.0.1", "SVC0004"),
                                    ("sip:a@127.outside.example", "POL0001"), ("sip:a@127.0.0.1>\r\nX: y", "SVC0004")):
            self.fault(message_id, alice.makeCall, callingParty=first.uri, calledParty=address)
        self.fault("SVC0002", alice.endCall, callIdentifier="0" * 32)
        self.fault("POL0001", admin.makeCall, callingParty=first.uri, calledParty=second.uri)
        # A subscriber whose last address was taken away.
        password = os.path.join(self.folder, "guest")
        with open(password, "w", encoding="utf-8") as file:
            file.write("guest\n")
        self.command("user", "add", "guest", "--kind", "subscriber", "--password-file", password)
        guest = self.client("v2_3", "guest")
        self.fault("POL0001", guest.makeCall, callingParty=first.uri, calledParty=second.uri)
        self.fault("SVC0002", guest.getCallInformation, callIdentifier=call)

    def test_the_command_line(self):
        first, second = self.peer("first"), self.peer("second")
        output, errors, status = run([LEDGERLINE, "call", "start", first.uri, second.uri], cwd=self.folder)
        self.assertEqual(status, 0, errors)
        call = output.strip()
        self.until_status(call, "CallConnected")
        output, errors, status = run([LEDGERLINE, "call", "status", call], cwd=self.folder)
        self.assertEqual((output, status), ("CallConnected\n", 0), errors)
        self.assertEqual(run([LEDGERLINE, "call", "end", call], cwd=self.folder)[2], 0)
        output, errors, status = run([LEDGERLINE, "call", "end", call], cwd=self.folder)
        self.assertEqual(status, 1)
        self.assertIn("SVC0261", errors)
        self.finish()

    def test_calls_of_one_user_are_limited(self):
        bob = self.client("v2_3", "bob")
        peers = [self.peer("rings") for _ in range(5)]
        calls = [bob.makeCall(callingParty=peer.uri, calledParty="sip:b@127.0.0.1:9") for peer in peers]
        self.assertEqual(self.fault("POL0001", bob.makeCall, callingParty=peers[0].uri,
                                    calledParty="sip:b@127.0.0.1:9"), ["over-limit"])
        for call in calls:
            bob.endCall(callIdentifier=call)
        self.finish()


class SecretPhone(Phone):
    """One that talks by SRTP only, with keys from the descriptions."""
    modules = "module srtp.so\n"

    def account(self):
        return super().account() + ";mediaenc=srtp-mand"


class Encrypted(CallCase):
    program = LEDGERLINE

    def test_phones_that_insist_on_it_hear_each_other(self):
        first, second = SecretPhone(self.folder, "first", 440), SecretPhone(self.folder, "second", 660)
        self.peers += [first, second]
        call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
        tones = (440, 660)
        self.until(lambda: first.hears([660], tones) and second.hears([440], tones), "the tone of each at the other")
        self.v2.endCall(callIdentifier=call)
        self.until_status(call, "CallTerminated")


class HoldsThatEnd(CallCase):
    """Of sessions that wait for longer than what is held for them lives."""
    program = LEDGERLINE
    settings = {"HOLD_TTL": "1s", "LEDGER_SWEEP_INTERVAL": "200ms"}

    def test_nobody_talks_for_what_is_spent_meanwhile(self):
        alice, payer = self.client("v3_4", "alice"), "tel:+15550001"
        charging = {"description": "a call", "currency": "EUR", "amount": Decimal("40.00")}
        for spends in (False, True):
            first = self.peer("first")
            second = self.peer("second")
            session = alice.makeCallSession(callParticipants=[first.uri], charging=charging, changeMediaNotAllowed=False)
            reference = {"callSessionIdentifier": session}
            self.until(lambda: alice.getCallParticipantInformation(callParticipant=first.uri, **reference)
                       .callParticipantStatus == "CallParticipantConnected", "the first participant")
            self.until(lambda: self.held(payer).split("|")[1] == "0.00", "the end of the hold")
            before = Decimal(self.held(payer).split("|")[0])
            if spends:
                self.command("charge", payer, str(before), "EUR", "--reference", "spent")
            alice.addCallParticipant(callParticipant=second.uri, **reference)
            if spends:
                # Who can't pay does not talk.
                self.until(lambda: {p.callParticipantStatus for p in alice.getCallSessionInformation(**reference)
                                    .callParticipantInformation} == {"CallParticipantTerminated"}, "the end")
                self.assertEqual(self.held(payer), "0.00|0.00")
            else:
                self.until(lambda: Decimal(self.held(payer).split("|")[0]) == before - 40, "the charge")
                alice.endCallSession(**reference)
            self.finish()


class HeldUp(CallCase):
    """A database that takes its time, as one does that is frozen or locked."""
    program = LEDGERLINE
    settings = {"LEDGER_QUEUE_TIMEOUT": "500ms", "LEDGER_RESEND_FOR": "500ms"}

    def test_a_call_that_was_held_up_for_long_is_not_made(self):
        alice, payer = self.client("v2_3", "alice"), "tel:+15550001"
        first = SipUser("first@outside.example", ("127.0.0.1", self.sip_port))
        self.addCleanup(first.close)
        before, data_dir = self.held(payer), os.path.join(self.folder, "var")
        waits = "select true from pg_locks where not granted"
        with locked(data_dir, "lock table ledger.hold in exclusive mode") as lock, \
                ThreadPoolExecutor() as pool:
            asked = pool.submit(self.fault, "SVC0001", alice.makeCall, callingParty=f"sip:first@127.0.0.1:{first.port}",
                                calledParty="tel:+15550002",
                                charging={"description": "late", "currency": "EUR", "amount": Decimal("0.25")})
            self.until(lambda: sql(data_dir, waits), "the amount that waits")
            time.sleep(1.5)  # longer than it waits
            lock.stdin.close()
            self.assertEqual(asked.result(), ["database-unavailable"])
        self.assertTrue(first.hears_nothing(lambda m: m.method == "INVITE"))
        self.until(lambda: self.held(payer) == before, "the release")


class WithoutSip(CallCase):
    """A server that takes no part in SIP: calls are not offered, and nobody is told to try again."""
    program = LEDGERLINE
    sip_listen = ""

    def test_calls_are_not_available(self):
        self.assertEqual(self.fault("POL0001", self.v2.makeCall, callingParty="sip:a@127.0.0.1:9",
                                    calledParty="sip:b@127.0.0.1:9"), ["not-available"])


if __name__ == "__main__":
    unittest.main()
