#!/usr/bin/python3
"""Reliable provisional responses (RFC 3262), and who is told the caller (RFC 3323, RFC 3325).

    sip_extensions.py LEDGERLINE
"""
import os
import sys
import unittest

from call_case import CallCase
from server import run
from sip_user import SDP, SipUser

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
FIRST_FROM = "sip:calls@example.com"
RELIABLE = ("Require: 100rel", "RSeq: 11")


def is_prack(message):
    return message.method == "PRACK"


class SipExtensions(CallCase):
    """The gateway, where telephone numbers are, is trusted with who calls; phones are not."""
    program = LEDGERLINE

    @classmethod
    def setUpClass(cls):
        cls.gateway = SipUser("gateway@gateway.example", None)
        cls.addClassCleanup(cls.gateway.close)
        cls.settings = {"SIP_GATEWAY": f"127.0.0.1:{cls.gateway.port}", "SIP_ASSERT_IDENTITY": "true",
                        "CALL_ALLOW": "tel:+4930", "CALL_FIRST_FROM": FIRST_FROM}
        super().setUpClass()
        cls.gateway.server = ("127.0.0.1", cls.sip_port)

    def user(self, address, password=None):
        user = SipUser(address, ("127.0.0.1", self.sip_port), password)
        self.addCleanup(user.close)
        return user

    def phones(self):
        """Two who are called, and the call between them."""
        first, second = self.user("first@outside.example"), self.user("second@outside.example")
        call = self.v2.makeCall(callingParty=self.uri(first), calledParty=self.uri(second))
        return first, second, call

    @staticmethod
    def uri(user):
        return user.contact.strip("<>").replace(";transport=udp", "")

    @staticmethod
    def acknowledged(user, call_id):
        return user.take(lambda m: m.method == "ACK" and m["Call-ID"] == call_id)

    def demand_reliability(self, user):
        """The INVITE that it takes: an offer of silence, from whoever knows 100rel."""
        plain = user.invited()
        self.assertNotIn("100rel", plain["Supported"] + plain["Require"])
        user.reply(plain, 421, "Extension Required", headers=["Require: 100rel"])
        self.acknowledged(user, plain["Call-ID"])
        invite = user.invited()
        self.assertIn("100rel", ",".join(invite.every("Require")))
        self.assertIn("a=inactive", invite.body)
        return invite

    def ring_reliably(self, user, invite):
        user.reply(invite, 180, "Ringing", SDP.format(port=user.port), headers=RELIABLE)
        prack = user.take(is_prack)
        number, _ = invite.sequence
        self.assertEqual(prack["RAck"], f"11 {number} INVITE")
        self.assertEqual(prack.body, "")
        # It was lost, and the response is repeated: no other PRACK comes but the same one again.
        user.reply(prack, 200, "OK")
        user.reply(invite, 180, "Ringing", SDP.format(port=user.port), headers=RELIABLE)
        self.assertTrue(user.hears_nothing(is_prack))

    def answer_and_offer(self, user, invite):
        """Answers the silence, and is asked for its own offer; that INVITE."""
        user.reply(invite, 200, "OK", SDP.format(port=user.port))
        self.assertEqual(self.acknowledged(user, invite["Call-ID"]).body, "")
        asked = user.invited()
        self.assertEqual(asked.body, "")
        user.reply(asked, 200, "OK", SDP.format(port=user.port))
        return asked

    def test_a_first_party_that_requires_100rel(self):
        first, second, call = self.phones()
        invite = self.demand_reliability(first)
        self.ring_reliably(first, invite)
        self.answer_and_offer(first, invite)
        self.assertIn("a=inactive", self.acknowledged(first, invite["Call-ID"]).body)
        theirs = second.invited()
        self.assertNotIn("100rel", theirs["Supported"] + theirs["Require"])
        second.reply(theirs, 200, "OK", SDP.format(port=second.port))
        first.answer(first.invited())
        self.assertIn(f"m=audio {first.port} ", self.acknowledged(second, theirs["Call-ID"]).body)
        self.until_status(call, "CallConnected")
        self.v2.endCall(callIdentifier=call)
        for user in (first, second):
            user.expect_bye()

    def test_a_second_party_that_requires_100rel(self):
        first, second, call = self.phones()
        first.answer(first.invited())
        invite = self.demand_reliability(second)
        self.ring_reliably(second, invite)
        self.answer_and_offer(second, invite)
        first.answer(first.invited())
        self.assertIn(f"m=audio {first.port} ", self.acknowledged(second, invite["Call-ID"]).body)
        self.until_status(call, "CallConnected")
        self.v2.endCall(callIdentifier=call)
        for user in (first, second):
            user.expect_bye()

    def test_cancelled_while_it_rings_reliably(self):
        first, _, call = self.phones()
        invite = self.demand_reliability(first)
        self.ring_reliably(first, invite)
        self.v2.cancelCallRequest(callIdentifier=call)
        first.expect_cancel(invite)

    def test_it_answers_and_then_offers_nothing(self):
        first, _, call = self.phones()
        invite = self.demand_reliability(first)
        first.reply(invite, 200, "OK", SDP.format(port=first.port))
        self.acknowledged(first, invite["Call-ID"])
        asked = first.invited()
        first.reply(asked, 488, "Not Acceptable Here")
        self.acknowledged(first, invite["Call-ID"])
        first.expect_bye()
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallAborted")

    def test_an_offer_in_a_reliable_response_that_nobody_asked_for(self):
        first, second, call = self.phones()
        invite = first.invited()
        first.reply(invite, 183, "Session Progress", SDP.format(port=first.port), headers=RELIABLE)
        prack = first.take(is_prack)
        self.assertIn("a=inactive", prack.body)
        first.reply(prack, 200, "OK")
        first.reply(invite, 200, "OK")
        self.acknowledged(first, invite["Call-ID"])
        first.answer(first.invited())
        theirs = second.invited()
        second.reply(theirs, 486, "Busy Here")
        self.acknowledged(second, theirs["Call-ID"])
        first.expect_bye()
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CalledPartyBusy")

    def registered(self):
        alice, bob = self.user("alice@example.com", "alice"), self.user("bob@example.com", "bob")
        self.assertEqual(bob.register(bob.contact).status, 200)
        self.addCleanup(bob.register, "*", headers=["Expires: 0"])
        return alice, bob

    def test_nobody_registers_at_the_gateway(self):
        """A call there costs money, whatever its address looks like."""
        bob = self.user("bob@example.com", "bob")
        host, port = "127.0.0.1", self.gateway.port
        for contact in (f"<sip:+49301@{host}:{port}>", f"<sip:+49301@{host}>", f"<sip:+49301@LOCALHOST;maddr={host}>"):
            self.assertEqual(bob.register(contact).status, 403, contact)
        elsewhere = "<sip:+49301@outside.example>"
        for path in (f"<sip:{host}:{port};lr>", f"<sip:edge.example;lr>,<sip:{host}:{port};lr>",
                     f"<sip:edge.example;lr;maddr={host}>"):
            self.assertEqual(bob.register(elsewhere, headers=[f"Path: {path}", "Supported: path"]).status, 403, path)
        self.assertEqual(bob.register(elsewhere, headers=["Path: <sip:edge.example;lr>", "Supported: path"]).status, 200)
        self.assertEqual(bob.register("*", headers=["Expires: 0"]).status, 200)

    def test_a_caller_that_requires_100rel_gets_it(self):
        alice, bob = self.registered()
        call = alice.call("sip:bob@example.com", headers=["Require: 100rel"])
        invite = bob.invited()
        bob.reply(invite, 180, "Ringing")
        ringing = call.response(lambda status: status == 180)
        self.assertIn("100rel", ringing["Require"])
        number, _ = ringing.sequence
        alice.send(alice.request("PRACK", ringing["Contact"].strip("<>"), number + 1, call.id, ringing["To"], call.tag,
                                 [f"RAck: {ringing['RSeq']} {number} INVITE"]))
        self.assertEqual(alice.take(lambda m: m.status and m["CSeq"].endswith("PRACK")).status, 200)
        alice.send(alice.request("PRACK", ringing["Contact"].strip("<>"), number + 2, call.id, ringing["To"], call.tag,
                                 [f"RAck: 99 {number} INVITE"]))
        self.assertEqual(alice.take(lambda m: m.status and m["CSeq"].endswith("PRACK")).status, 481)
        bob.answer(invite)
        self.assertEqual(call.response().status, 200)
        call.sequence += 2
        self.assertEqual(call.bye().status, 200)
        bob.expect_bye()
        refused = alice.call("sip:bob@example.com", headers=["Require: precondition"])
        self.assertEqual(refused.response().status, 420)

    def test_who_wants_to_be_anonymous_is_so_to_phones(self):
        alice, bob = self.registered()
        for privacy, known in (("id", False), ("user;critical", False), ("none", True), (None, True)):
            with self.subTest(privacy):
                call = alice.call("sip:bob@example.com", headers=[f"Privacy: {privacy}"] if privacy else [])
                invite = bob.invited()
                self.assertEqual("alice" in invite["From"], known)
                self.assertEqual("<sip:anonymous@anonymous.invalid>" in invite["From"], not known)
                self.assertEqual((invite["P-Asserted-Identity"], invite["Privacy"]), ("", ""))
                bob.reply(invite, 486, "Busy Here")
                self.acknowledged(bob, invite["Call-ID"])
                self.assertEqual(call.response().status, 486)
        self.assertEqual(alice.call("sip:bob@example.com", headers=["Privacy: session;critical"]).response().status, 500)

    def test_the_gateway_is_told_who_it_is_all_the_same(self):
        alice = self.user("alice@example.com", "alice")
        for privacy in ("id", ""):
            call = alice.call("tel:+4930123", headers=[f"Privacy: {privacy}"] if privacy else [])
            invite = self.gateway.invited()
            self.assertIn("alice@example.com", invite["P-Asserted-Identity"])
            self.assertEqual((invite["Privacy"], "anonymous.invalid" in invite["From"]), (privacy, bool(privacy)))
            self.gateway.reply(invite, 486, "Busy Here")
            self.acknowledged(self.gateway, invite["Call-ID"])
            self.assertEqual(call.response().status, 486)

    def test_who_seems_to_call_the_first_party_is_a_setting(self):
        first, second, call = self.phones()
        invite = first.invited()
        self.assertIn(f"<{FIRST_FROM}>", invite["From"])
        first.reply(invite, 200, "OK", SDP.format(port=first.port))
        self.acknowledged(first, invite["Call-ID"])
        theirs = second.invited()
        self.assertIn(f"<{self.uri(first)}>", theirs["From"])
        second.reply(theirs, 486, "Busy Here")
        self.acknowledged(second, theirs["Call-ID"])
        first.expect_bye()
        self.until_status(call, "CallTerminated")
        _, errors, status = run([self.program, "check-config"], cwd=self.folder,
                                env={**os.environ, "LEDGERLINE_CALL_FIRST_FROM": "Calls <sip:calls@example.com>"})
        self.assertEqual(status, 1)
        self.assertIn("call.first_from", errors)


if __name__ == "__main__":
    unittest.main()
