#!/usr/bin/python3
"""Calls from outside that an application hears of: by callSessionIdentifier it may ask for them, end them, and change
their parties, with Third Party Call.

    told_sessions.py LEDGERLINE
"""
import unittest

from called_applications import ASK, CALLER, TELL, ApplicationCalls
from inbound_calls import BOB
from sip_user import SDP

INITIAL, CONNECTED, TERMINATED = ("CallParticipant" + state for state in ("Initial", "Connected", "Terminated"))


class ToldCalls(ApplicationCalls):
    def told_call(self, **call):
        """A connected call to bob that the application was told of."""
        self.register(self.bob)
        self.start(TELL, "CalledNumber")
        self.application.events.clear()
        call = self.alice.call(BOB, **call)
        self.connected(call, self.bob)
        [event] = self.application.wait_for(1)
        return call, event.arguments["callSessionIdentifier"]

    def people(self, session, client=None):
        information = (client or self.v3).getCallSessionInformation(callSessionIdentifier=session)
        self.assertEqual(information.callSessionIdentifier, session)
        return {each.callParticipantIdentifier: each.callParticipantStatus
                for each in information.callParticipantInformation}


class Sessions(ToldCalls):
    def silenced(self, phone):
        """It is asked to go on in silence, and does."""
        invite = phone.invited()
        self.assertIn("a=inactive", invite.body)
        phone.answer(invite)

    def test_it_can_be_asked_for_while_it_asks_and_until_it_is_over(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        seen = []

        def answer(event):
            seen.append((event.arguments["callSessionIdentifier"],
                         self.people(event.arguments["callSessionIdentifier"], self.client("v3_4"))))
            return {"actionToPerform": "Continue"}
        self.application.answer = answer
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        [(session, parties)] = seen
        self.assertEqual(parties, {CALLER: INITIAL})
        self.assertEqual(self.people(session), {CALLER: INITIAL, BOB: INITIAL})
        self.bob.answer(invite)
        self.assertEqual(call.response().status, 200)
        self.assertEqual(self.people(session), {CALLER: CONNECTED, BOB: CONNECTED})
        one = self.v3.getCallParticipantInformation(callSessionIdentifier=session, callParticipant=BOB)
        self.assertEqual((one.callParticipantStatus, one.mediaInfo[0].media), (CONNECTED, "Audio"))
        self.assertEqual(self.v2.getCallInformation(callIdentifier=session).callStatus, "CallConnected")
        self.ended(call, self.bob)
        self.until(lambda: self.people(session) == {CALLER: TERMINATED, BOB: TERMINATED}, "the end")
        self.fault("SVC0261", self.v3.endCallSession, callSessionIdentifier=session)

    def test_who_has_several_telephones_is_one_participant(self):
        other = self.user("bob")
        self.register(self.bob, other)
        self.start(TELL, "CalledNumber")
        for answers in (self.bob, other):
            self.application.events.clear()
            call = self.alice.call(BOB)
            invites = {phone: phone.invited() for phone in (self.bob, other)}
            session = self.application.wait_for(1)[0].arguments["callSessionIdentifier"]
            for phone, invite in invites.items():
                phone.reply(invite, 180)
            self.assertEqual(call.ringing().status, 180)
            answers.answer(invites[answers])
            self.assertEqual(call.response().status, 200)
            [silent] = set(invites) - {answers}
            silent.expect_cancel(invites[silent])
            self.assertEqual(self.people(session), {CALLER: CONNECTED, BOB: CONNECTED})
            self.ended(call, answers)

    def test_it_is_nobody_elses(self):
        call, session = self.told_call()
        for user in ("bob", "finance"):
            self.assertEqual(self.fault("SVC0002", self.client("v3_4", user).getCallSessionInformation,
                                        callSessionIdentifier=session), ["callSessionIdentifier"])
            self.fault("SVC0002", self.client("v3_4", user).endCallSession, callSessionIdentifier=session)
        self.assertEqual(self.people(session, self.client("v3_4", "alice")), {CALLER: CONNECTED, BOB: CONNECTED})
        self.ended(call, self.bob)

    def test_it_takes_the_right_to_make_calls(self):
        call, session = self.told_call()
        reference = {"callSessionIdentifier": session}
        self.addCleanup(self.command, "user", "grant", "demo-app", "call.make", "example.com")
        self.command("user", "revoke", "demo-app", "call.make", "example.com")
        self.rules_heard()
        for operation, more in (("getCallSessionInformation", {}), ("endCallSession", {}),
                                ("deleteCallParticipant", {"callParticipant": BOB})):
            self.assertEqual(self.fault("POL0001", self.v3[operation], **reference, **more), ["not-allowed"])
            self.fault("SVC0002", self.v3[operation], **more, callSessionIdentifier=session + "x")
        self.assertEqual(self.people(session, self.client("v3_4", "alice")), {CALLER: CONNECTED, BOB: CONNECTED})
        self.ended(call, self.bob)

    def test_one_who_wants_to_be_nobody_is(self):
        _, session = self.told_call(headers=["Privacy: id"])
        nobody = "sip:anonymous@anonymous.invalid"
        self.assertEqual(self.people(session), {nobody: CONNECTED, BOB: CONNECTED})
        self.assertEqual(self.people(session, self.client("v3_4", "alice")), {CALLER: CONNECTED, BOB: CONNECTED})
        self.v3.deleteCallParticipant(callParticipant=nobody, callSessionIdentifier=session)
        self.alice.expect_bye()
        self.silenced(self.bob)
        self.v3.endCallSession(callSessionIdentifier=session)
        self.bob.expect_bye()

    def test_it_is_ended(self):
        call, session = self.told_call()
        self.fault("SVC0260", self.v2.cancelCallRequest, callIdentifier=session)
        self.v3.endCallSession(callSessionIdentifier=session)
        for phone in (self.alice, self.bob):
            phone.expect_bye()
        self.assertEqual(self.people(session), {CALLER: TERMINATED, BOB: TERMINATED})
        self.application.events.clear()
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        [event] = self.application.wait_for(1)
        self.v3.endCallSession(callSessionIdentifier=event.arguments["callSessionIdentifier"])
        self.bob.expect_cancel(invite)
        self.assertEqual(call.response().status, 603)

    def test_parties_leave_and_come(self):
        _, session = self.told_call()
        reference = {"callSessionIdentifier": session}
        # There is no bridge for a third one.
        self.fault("POL0001", self.v3.addCallParticipant, callParticipant=self.elsewhere, **reference)
        self.v3.deleteCallParticipant(callParticipant=BOB, **reference)
        self.bob.expect_bye()
        self.silenced(self.alice)
        self.assertEqual(self.people(session), {CALLER: CONNECTED, BOB: TERMINATED})
        self.assertEqual(self.fault("SVC0002", self.v3.deleteCallParticipant, callParticipant=BOB, **reference),
                         ["callParticipant"])
        # A registered user is looked up, as in third-party calls.
        self.v3.addCallParticipant(callParticipant=BOB, **reference)
        invite = self.bob.invited()
        self.assertIn("alice@example.com", invite["From"])
        self.bob.reply(invite, 200, "OK", SDP.format(port=self.bob.port), "again")
        self.alice.answer(self.alice.invited())
        self.until(lambda: self.people(session) == {CALLER: CONNECTED, BOB: CONNECTED}, "bob")
        self.v3.endCallSession(**reference)
        for phone in (self.alice, self.bob):
            phone.expect_bye()

    def test_who_was_added_and_is_disabled_leaves_the_others(self):
        _, session = self.told_call()
        self.v3.deleteCallParticipant(callParticipant=BOB, callSessionIdentifier=session)
        self.bob.expect_bye()
        self.silenced(self.alice)
        self.v3.addCallParticipant(callParticipant=BOB, callSessionIdentifier=session)
        self.bob.reply(self.bob.invited(), 200, "OK", SDP.format(port=self.bob.port), "again")
        self.alice.answer(self.alice.invited())
        self.until(lambda: self.people(session) == {CALLER: CONNECTED, BOB: CONNECTED}, "bob")
        self.addCleanup(self.command, "user", "enable", "bob@example.com")
        self.command("user", "disable", "bob@example.com")
        self.bob.expect_bye()
        self.silenced(self.alice)
        self.assertEqual(self.people(session), {CALLER: CONNECTED, BOB: TERMINATED})
        self.v3.endCallSession(callSessionIdentifier=session)
        self.alice.expect_bye()

    def test_who_rings_is_removed(self):
        self.register(self.bob)
        self.start(TELL, "CalledNumber")
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        session = self.application.wait_for(1)[0].arguments["callSessionIdentifier"]
        self.assertEqual(self.fault("SVC0002", self.v3.addCallParticipant, callParticipant=self.elsewhere,
                                    callSessionIdentifier=session), ["callSessionIdentifier"])
        self.v3.deleteCallParticipant(callParticipant=BOB, callSessionIdentifier=session)
        self.bob.expect_cancel(invite)
        self.assertEqual(call.response().status, 603)

    def test_a_party_goes_to_a_session_of_the_applications_own(self):
        _, session = self.told_call()
        own = self.v3.makeCallSession(callParticipants=[self.elsewhere], changeMediaNotAllowed=False)
        self.phone.answer(self.phone.invited())
        self.v3.transferCallParticipant(destinationCallSessionIdentifier=own, sourceCallSessionIdentifier=session,
                                        callParticipant=BOB)
        self.bob.expect_bye()
        self.silenced(self.alice)
        invite = self.bob.invited()
        self.bob.reply(invite, 200, "OK", SDP.format(port=self.bob.port), "again")
        self.phone.answer(self.phone.invited())
        self.until(lambda: self.people(own) == {self.elsewhere: CONNECTED, BOB: CONNECTED}, "bob there")
        for each in (own, session):
            self.v3.endCallSession(callSessionIdentifier=each)
        for phone in (self.alice, self.bob, self.phone):
            phone.expect_bye()


class OnTheBridge(ToldCalls):
    settings = dict(ToldCalls.settings, MEDIA_BRIDGE="own")

    def test_a_third_party_moves_all_to_the_bridge(self):
        _, session = self.told_call()
        self.add_party(session, self.elsewhere)
        phones = (self.alice, self.bob, self.phone)
        for phone in phones:
            phone.reply(phone.invited(), 200, "OK", SDP.format(port=phone.port))
        self.mixed(3)
        self.assertEqual(self.people(session), {CALLER: CONNECTED, BOB: CONNECTED, self.elsewhere: CONNECTED})
        self.v3.endCallSession(callSessionIdentifier=session)
        for phone in phones:
            phone.expect_bye()


if __name__ == "__main__":
    unittest.main(verbosity=2)
