#!/usr/bin/python3
"""Who may call whom, how often and for how much: the dial plan and the limits of principals.

    call_limits.py LEDGERLINE
"""
import os
import sys
import time
import unittest
from decimal import Decimal

import requests

from call_case import CallCase
from sip_peers import SCENARIOS, free_port
from sip_user import SipUser

NOWHERE = "sip:b@127.0.0.1:9"


class CallLimits(CallCase):
    program = os.path.abspath(sys.argv.pop(1))
    gateway_port = free_port()
    settings = {"SIP_GATEWAY": f"127.0.0.1:{gateway_port}", "ADDRESS_COUNTRY": "49", "CALL_ALLOW": "tel:+4930",
                "CALL_DENY": "tel:+4930900", "CALL_SHORT_NUMBERS": "route", "CALL_NO_ANSWER": "20s",
                "PAYMENT_MINOR_AMOUNTS_OF": "bob"}

    def setUp(self):
        super().setUp()
        self.limits = set()

    def limit(self, user, *arguments):
        self.command("user", "limit", user, *arguments)
        # A limit that is a number is there once, however often it is set.
        name, *rest = arguments
        item = () if name.startswith("calls-") else rest
        if (user, name, *item) not in self.limits:
            self.limits.add((user, name, *item))
            self.addCleanup(self.command, "user", "limit", user, name, *item, "--remove")
        # The server forgets what it knows of the user when the database says so, and that is soon.
        time.sleep(0.2)

    def gateway(self, user_part):
        """The gateway, which is called with this number."""
        steps = SCENARIOS["rings"].replace(
            '<log message="[$cs]', f'<ereg regexp="^INVITE sip:{user_part}@127.0.0.1:{self.gateway_port};user=phone " '
            'search_in="msg" check_it="true" assign_to="uri"/><log message="[$uri] [$cs]', 1)
        return self.peer("gateway", steps, port=self.gateway_port)

    def start(self, client, calling, called=NOWHERE, **more):
        """Starts a call, whose first party rings; ends it when that has rung."""
        call = client.makeCall(callingParty=calling, calledParty=called, **more)
        self.until(self.legs, "the leg")
        client.endCall(callIdentifier=call)
        self.finish()
        self.peers.clear()

    def test_numbers_go_to_the_gateway_as_they_are_meant(self):
        for number, dialled in (("tel:+4930123", r"\+4930123"), ("tel:004930123", r"\+4930123"),
                                ("tel:030-123 456", r"\+4930123456"), ("tel:118", "118")):
            with self.subTest(number):
                self.gateway(dialled)
                self.start(self.v2, number)

    def test_emergency_and_denied_numbers_are_called_by_nobody(self):
        for number in ("tel:112", "tel:+49112", "tel:0049110", "tel:+4930900123", "tel:0309001234", "tel:+4940123"):
            with self.subTest(number):
                self.assertEqual(self.fault("POL0001", self.v2.makeCall, callingParty=number, calledParty=NOWHERE),
                                 ["not-allowed"])
        self.assertEqual(self.legs(), 0)

    def test_the_gateway_is_reached_by_no_other_way(self):
        for address in (f"sip:+4930123@127.0.0.1:{self.gateway_port}", f"sip:%2B4930123@127.0.0.1:{self.gateway_port}",
                        f"sip:x@127.0.0.1:{self.gateway_port};maddr=127.0.0.1"):
            with self.subTest(address):
                fault = "SVC0004" if "maddr" in address else "POL0001"
                self.fault(fault, self.v2.makeCall, callingParty=address, calledParty=NOWHERE)
        bob = SipUser("bob@example.com", ("127.0.0.1", self.sip_port), "bob")
        self.addCleanup(bob.close)
        for contact in (f"<sip:+4930900123@127.0.0.1:{self.gateway_port}>", f"<SIP:bob@127.0.0.1:0{self.gateway_port}>",
                        "<sip:bob@127.0.0.1:9;maddr=127.0.0.1>"):
            with self.subTest(contact):
                self.assertEqual(bob.register(contact).status, 403)
        for path in (f"<sip:127.0.0.1:{self.gateway_port};lr>", f"<sip:127.0.0.1:9;lr>, <sip:x@127.0.0.1:{self.gateway_port}>",
                     "<sip:127.0.0.1:9;lr;maddr=127.0.0.1>"):
            with self.subTest(path):
                self.assertEqual(bob.register(bob.contact, headers=["Supported: path", f"Path: {path}"]).status, 403)
        self.assertEqual(bob.register(bob.contact, headers=["Supported: path", "Path: <sip:127.0.0.1:9;lr>"]).status, 200)
        self.assertEqual(self.legs(), 0)

    def test_prefixes_of_one_user(self):
        bob = self.client("v2_3", "bob")
        self.limit("bob", "call-allow", "tel:+4940")
        self.limit("bob", "call-deny", "tel:+4940555")
        for number in ("tel:+4930123", "tel:+4940555123"):
            self.fault("POL0001", bob.makeCall, callingParty=number, calledParty=NOWHERE)
        # Instead of what others may call; where those may go is not for him.
        self.fault("POL0001", bob.makeCall, callingParty="sip:a@127.0.0.1:9", calledParty="tel:+4940123")
        self.gateway(r"\+4940123")
        self.start(bob, "tel:+4940123", "tel:+15550002")
        self.fault("POL0001", self.v2.makeCall, callingParty="tel:+4940123", calledParty=NOWHERE)

    def test_an_account_is_denied_by_whatever_leads_to_it(self):
        alice = self.client("v2_3", "alice")
        here = f"127.0.0.1:{self.sip_port}"
        self.limit("alice", "call-deny", "tel:+15550002")
        for address in ("tel:+15550002", f"sip:+15550002@{here}", f"sip:+1-555-0002@{here};user=phone",
                        f"sip:%2B15550002@localhost:{self.sip_port}"):
            with self.subTest(address):
                self.fault("POL0001", alice.makeCall, callingParty=NOWHERE, calledParty=address)
        # Nor is an account of another domain the own one's by its name here.
        self.command("account", "domain", "other.example")
        self.command("account", "open", "tel:+4940777", "--domain", "other.example")
        for address in ("tel:+4940777", f"sip:+4940777@{here}"):
            with self.subTest(address):
                self.fault("POL0001", alice.makeCall, callingParty=NOWHERE, calledParty=address)

    def test_calls_at_once_and_a_second(self):
        bob = self.client("v2_3", "bob")
        self.limit("bob", "calls-at-once", "2")
        peers = [self.peer("rings") for _ in range(2)]
        calls = [bob.makeCall(callingParty=peer.uri, calledParty=NOWHERE) for peer in peers]
        self.assertEqual(self.fault("POL0001", bob.makeCall, callingParty=NOWHERE, calledParty="sip:c@127.0.0.1:9"),
                         ["over-limit"])
        for call in calls:
            bob.endCall(callIdentifier=call)
        self.finish()
        self.limit("bob", "calls-at-once", "0")
        self.fault("POL0001", bob.makeCall, callingParty=NOWHERE, calledParty="sip:c@127.0.0.1:9")
        self.limit("bob", "calls-at-once", "100")
        self.limit("bob", "calls-per-second", "1")

        def refused():
            with self.subTest("a second call at once"):
                bob.makeCall(callingParty=NOWHERE, calledParty="sip:c@127.0.0.1:9")
                return self.fault("POL0001", bob.makeCall, callingParty=NOWHERE, calledParty="sip:c@127.0.0.1:9")
        # A second may begin between the two.
        for _ in range(5):
            try:
                self.assertEqual(refused(), ["over-limit"])
                break
            except AssertionError:
                continue
        else:
            self.fail("two calls in each of five seconds")
        # And in the next second again.
        self.until(lambda: self.starts(bob), "the next second")

    def starts(self, client):
        try:
            return client.makeCall(callingParty=NOWHERE, calledParty="sip:c@127.0.0.1:9")
        except Exception as fault:  # noqa: the limit's
            self.assertIn("POL0001", str(fault))
            return None

    def test_whom_a_limited_application_may_charge(self):
        """Its limit to addresses holds for those who pay for its calls, too."""
        charging = {"description": "a call", "currency": "EUR", "amount": Decimal("0.60")}
        self.limit("demo-app", "address-prefix", "tel:+15550003")
        for client, parties in ((self.v2.makeCall, {"callingParty": "tel:+15550001", "calledParty": NOWHERE}),
                                (self.v3.makeCallSession, {"callParticipants": ["tel:+15550001"],
                                                           "changeMediaNotAllowed": False})):
            self.assertEqual(self.fault("POL0001", client, charging=charging, **parties), ["over-limit"])
        held = "select count(*) from holds where application = 'demo-app' and address = 'tel:+1555000{}'"
        self.assertEqual(self.query(held.format(1)), "0")
        self.gateway(r"\+15550003")
        self.start(self.v2, "tel:+15550003", charging=charging)
        self.until(lambda: self.query(held.format(3) + " and state = 'released'") == "1", "the release")
        # Who pays nothing may be called by anybody.
        self.gateway(r"\+15550004")
        self.start(self.v2, "tel:+15550004")

    def test_who_counts_minor_units_does_for_calls_too(self):
        first, second = self.peer("first"), self.peer("second")
        bob = self.client("v2_3", "bob")
        call = bob.makeCall(callingParty=first.uri, calledParty=second.uri,
                            charging={"description": "a call", "currency": "EUR", "amount": Decimal("60")})
        self.until_status(call, "CallConnected", bob)
        self.until(lambda: self.query(f"select charge from calls where call_id = '{call}'") == "0.60", "the charge")
        self.assertEqual(self.held("tel:+15550002"), "99.40|0.00")
        bob.endCall(callIdentifier=call)
        self.finish()

    def test_what_the_calls_of_a_day_may_cost(self):
        alice = self.client("v2_3", "alice")
        self.limit("alice", "call-amount-per-day", "1.00", "EUR")
        charging = {"description": "a call", "currency": "EUR", "amount": Decimal("0.60")}
        first, second = self.peer("first"), self.peer("second")
        call = alice.makeCall(callingParty=first.uri, calledParty=second.uri, charging=charging)
        self.until_status(call, "CallConnected", alice)
        self.assertEqual(self.fault("POL0001", alice.makeCall, callingParty=NOWHERE, calledParty=second.uri,
                                    charging=charging), ["over-limit"])
        alice.endCall(callIdentifier=call)
        self.finish()
        # What a call that failed had held is given back, and counts no more.
        small = dict(charging, amount=Decimal("0.40"))
        for _ in range(2):
            self.until(lambda: "0.60" in self.command("user", "limit", "alice"), "the release")
            call = alice.makeCall(callingParty=f"sip:a@127.0.0.1:{free_port()}", calledParty=NOWHERE, charging=small)
            self.until_status(call, "CallTerminated", alice)
        self.until(lambda: "0.60" in self.command("user", "limit", "alice"), "the release")
        # Other charges are another matter, and free calls are none.
        call = alice.makeCall(callingParty=f"sip:a@127.0.0.1:{free_port()}", calledParty=NOWHERE)
        self.until_status(call, "CallTerminated", alice)


class CallsInTotal(CallCase):
    program = CallLimits.program
    settings = {"CALL_CALLS_LIMIT": "2", "CALL_NO_ANSWER": "20s"}

    def test_one_call_more_than_the_server_may_have(self):
        bob, alice = self.client("v2_3", "bob"), self.client("v2_3", "alice")
        peers = [self.peer("rings") for _ in range(2)]
        calls = [client.makeCall(callingParty=peer.uri, calledParty=NOWHERE)
                 for client, peer in zip((bob, self.v2), peers)]
        # Whoever asks, in each version: try again later.
        for operation, parties in ((bob.makeCall, {"callingParty": NOWHERE, "calledParty": "sip:c@127.0.0.1:9"}),
                                   (alice.makeCall, {"callingParty": NOWHERE, "calledParty": "sip:c@127.0.0.1:9"}),
                                   (self.v3.makeCallSession, {"callParticipants": [NOWHERE],
                                                              "changeMediaNotAllowed": False})):
            self.assertEqual(self.fault("SVC0001", operation, **parties), ["overloaded"])
        body = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
            <m:makeCall xmlns:m="http://www.csapi.org/schema/parlayx/third_party_call/v2_3/local">
            <m:callingParty>sip:b@127.0.0.1:9</m:callingParty><m:calledParty>sip:c@127.0.0.1:9</m:calledParty>
            </m:makeCall></s:Body></s:Envelope>"""
        answer = requests.post(self.url + "/ParlayX/", body, auth=("bob", "bob"), timeout=10,
                               headers={"Content-Type": "text/xml; charset=utf-8"})
        self.assertEqual(answer.status_code, 503, answer.text)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertEqual(self.query("select count(*) from calls"), "2")
        # One less, and there is room for one, whoever's that was.
        bob.endCall(callIdentifier=calls[0])
        self.until(lambda: self.legs() == 1, "the first one's end")
        call = alice.makeCall(callingParty=NOWHERE, calledParty="sip:c@127.0.0.1:9")
        self.until_status(call, "CallTerminated", alice)
        self.v2.endCall(callIdentifier=calls[1])
        self.finish()


if __name__ == "__main__":
    unittest.main()
