#!/usr/bin/python3
"""Third-party calls to registered users: all their telephones ring, and the first answer wins.

    registered_parties.py LEDGERLINE
"""
import unittest

import requests

from inbound_calls import BOB, Calls
from sip_user import SDP


class RegisteredParties(Calls):
    settings = dict(Calls.settings, CALL_NO_ANSWER="4s")

    def test_registered_users_are_reached_by_all_their_addresses(self):
        self.register(self.alice, self.bob)
        body = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
            <m:makeCall xmlns:m="http://www.csapi.org/schema/parlayx/third_party_call/v2_3/local">
            <m:callingParty>sip:alice@example.com</m:callingParty><m:calledParty>tel:+15550002</m:calledParty>
            </m:makeCall></s:Body></s:Envelope>"""
        answer = requests.post(self.url + "/ParlayX/", body, auth=("demo-app", "demo-app"), timeout=10,
                               headers={"Content-Type": "text/xml; charset=utf-8"})
        self.assertEqual(answer.status_code, 200, answer.text)
        invite = self.alice.invited()
        self.alice.reply(invite, 486)
        self.alice.take(lambda m: m.method == "ACK")

    def call(self, calling, called):
        return self.v2.makeCall(callingParty=calling, calledParty=called)

    def test_all_telephones_of_a_user_ring_and_the_first_answer_wins(self):
        second, other = self.user("bob"), self.stranger("other")
        self.assertEqual(self.bob.register(self.bob.contact, second.contact).status, 200)
        call = self.call(BOB, f"sip:other@127.0.0.1:{other.port}")
        invites = {phone: phone.invited() for phone in (self.bob, second)}
        for phone, invite in invites.items():
            phone.reply(invite, 180)
        second.answer(invites[second])
        self.bob.expect_cancel(invites[self.bob])
        other.reply(other.invited(), 200, "OK", SDP.format(port=other.port))
        # The winner's dialog is the call's: it gets the other one's offer, and the end.
        second.answer(second.invited())
        other.take(lambda m: m.method == "ACK")
        self.until_status(call, "CallConnected")
        self.v2.endCall(callIdentifier=call)
        second.expect_bye()
        other.expect_bye()
        self.until(lambda: self.legs() == 0, "the end of every leg")
        trace = requests.get(f"{self.url}/ParlayX/calls/{call}", auth=("demo-app", "demo-app"), timeout=30).text
        self.assertEqual(trace.count("-> 1  INVITE sip:bob@"), 2, trace)
        self.assertRegex(trace, "-> 1  CANCEL")

    def test_two_answers_at_once_are_one_party(self):
        second, other = self.user("bob"), self.stranger("other")
        self.assertEqual(self.bob.register(self.bob.contact, second.contact).status, 200)
        call = self.call(f"sip:other@127.0.0.1:{other.port}", BOB)
        other.answer(other.invited())
        invites = {phone: phone.invited() for phone in (self.bob, second)}
        for phone, invite in invites.items():
            phone.reply(invite, 200, "OK", SDP.format(port=phone.port))
        other.answer(other.invited())
        self.until_status(call, "CallConnected")
        loser = self.until(lambda: next((p for p in invites if not p.hears_nothing(lambda m: m.method == "BYE", 0.05)),
                                        None), "a BYE")
        loser.expect_bye()
        winner = second if loser is self.bob else self.bob
        winner.send(winner.request("BYE", invites[winner]["Contact"].strip("<>"), 1, invites[winner]["Call-ID"],
                                   invites[winner]["From"], "callee"))
        other.expect_bye()
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallHangUp")

    def test_preferred_telephones_ring_first_and_everywhere_is_everywhere(self):
        second, third = self.user("bob"), self.user("bob")
        self.assertEqual(self.bob.register(self.bob.contact + ";q=0.2", second.contact + ";q=0.9",
                                           third.contact + ";q=0.2").status, 200)
        call = self.call(BOB, "sip:alice@example.com")
        second.reply(second.invited(), 500)
        invite, declining = self.bob.invited(), third.invited()
        self.bob.reply(invite, 180)
        third.reply(declining, 603)
        self.bob.expect_cancel(invite)
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallingPartyBusy")
        # Who rings in vain leaves the next ones their time.
        call = self.call(BOB, "sip:alice@example.com")
        invite = second.invited()
        second.reply(invite, 180)
        second.expect_cancel(invite)
        invites = {phone: phone.invited() for phone in (self.bob, third)}
        for phone, invite in invites.items():
            phone.reply(invite, 180)
        self.v2.cancelCallRequest(callIdentifier=call)
        for phone, invite in invites.items():
            phone.expect_cancel(invite)
        self.assertEqual(self.until_status(call, "CallTerminated").terminationCause, "CallAborted")


if __name__ == "__main__":
    unittest.main(verbosity=2)
