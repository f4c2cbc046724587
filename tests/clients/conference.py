#!/usr/bin/python3
"""Three and more parties: a real Janus mixes them, signalling by sipp, media by baresip.

    conference.py LEDGERLINE
"""
import os
import signal
import subprocess
import sys
import time
import unittest

import zeep

from application_endpoint import ApplicationEndpoint
from call_case import CallCase
from phones import Phone
from server import run
from sip_peers import FIRST, RING, SCENARIOS, free_port, pause, recv, refusal, send
from sip_user import SDP as USER_SDP
from sip_user import SipUser

LEDGERLINE = os.path.abspath(sys.argv.pop(1))


class Conference(CallCase):
    program = LEDGERLINE
    settings = {"MEDIA_BRIDGE": "own", "CALL_PARTICIPANTS_LIMIT": "4", "MEDIA_TIMEOUT": "10s"}

    def session(self, *parties):
        return self.v3.makeCallSession(callParticipants=[party.uri for party in parties],
                                            changeMediaNotAllowed=False)

    def statuses(self, session):
        people = self.v3.getCallSessionInformation(callSessionIdentifier=session).callParticipantInformation
        return {p.callParticipantIdentifier: p.callParticipantStatus.removeprefix("CallParticipant") for p in people}

    def connected(self, session, *parties):
        self.until(lambda: [self.statuses(session).get(p.uri) for p in parties] == ["Connected"] * len(parties),
                   "the connection of all")

    def phone(self, name, frequency):
        phone = Phone(self.folder, name, frequency)
        self.peers.append(phone)
        return phone


def child_of(pid, program):
    """The process that it started to run this program."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                command, fields = file.read().rsplit(")", 1)
        except OSError:
            continue
        if command.endswith("(" + program) and int(fields.split()[1]) == pid:
            return int(name)
    return None


class Started(Conference):
    @classmethod
    def setUpClass(cls):
        """Until Janus has started, a session of one waits in silence and moves to the bridge later."""
        super().setUpClass()
        user = SipUser("rings@outside.example", ("127.0.0.1", cls.sip_port))
        cls.addClassCleanup(user.close)
        session = cls.v3.makeCallSession(callParticipants=[user.contact.strip("<>"), f"sip:x@127.0.0.1:{free_port()}"],
                                         changeMediaNotAllowed=False)
        invite = user.invited()
        user.reply(invite, 180, "Ringing")
        starting = True
        while starting:
            try:
                cls.v3.addCallParticipant(callSessionIdentifier=session,
                                          callParticipant=f"sip:y@127.0.0.1:{free_port()}")
                starting = False
            except zeep.exceptions.Fault as fault:
                variables = [variable.text for variable in fault.detail.findall(".//variables")]
                assert variables == ["bridge-unavailable"], fault
                time.sleep(0.05)
        cls.v3.endCallSession(callSessionIdentifier=session)
        user.expect_cancel(invite)


class WithJanus(Started):
    def test_the_third_participant_moves_all_to_the_bridge(self):
        first, second, third = self.peer("first_moved"), self.peer("second_moved"), self.peer("mixed")
        session = self.session(first, second)
        self.connected(session, first, second)
        self.add_party(session, third.uri)
        self.connected(session, first, second, third)
        self.mixed(3)
        self.v3.endCallSession(callSessionIdentifier=session)
        self.finish()
        self.mixed(0)

    def test_a_session_of_one_waits_on_the_bridge(self):
        first, second = self.peer("mixed"), self.peer("mixed")
        refusing = self.peer("refusing", refusal(486, False))
        session = self.session(first)
        self.mixed(1)
        self.add_party(session, second.uri)
        self.connected(session, first, second)
        self.assertEqual(self.fault("SVC0002", self.v3.addCallParticipant, callSessionIdentifier=session,
                                    callParticipant=second.uri), ["callParticipant"])
        self.add_party(session, refusing.uri)
        self.until(lambda: self.statuses(session).get(refusing.uri) == "Terminated", "the refusal")
        information = self.v3.getCallParticipantInformation(callSessionIdentifier=session,
                                                                 callParticipant=refusing.uri)
        self.assertEqual(information.callParticipantTerminationCause, "CallParticipantBusy")
        self.assertIsNone(information.callParticipantStartTime)
        self.v3.deleteCallParticipant(callSessionIdentifier=session, callParticipant=first.uri)
        self.mixed(1)
        self.assertEqual(self.statuses(session), {first.uri: "Terminated", second.uri: "Connected",
                                                  refusing.uri: "Terminated"})
        self.assertEqual(self.fault("SVC0002", self.v3.deleteCallParticipant, callSessionIdentifier=session,
                                    callParticipant=first.uri), ["callParticipant"])
        # The last one's end is the session's.
        self.v3.deleteCallParticipant(callSessionIdentifier=session, callParticipant=second.uri)
        self.fault("SVC0261", self.v3.endCallSession, callSessionIdentifier=session)
        self.finish()
        self.mixed(0)

    def mixed_user(self, session):
        """A participant that the test itself plays; its INVITE, too."""
        user = SipUser("third@outside.example", ("127.0.0.1", self.sip_port))
        self.addCleanup(user.close)
        user.uri = user.contact.strip("<>").replace(";transport=udp", "")
        self.add_party(session, user.uri)
        invite = user.invited()
        user.answer(invite)
        return user, invite

    def offers(self, user, invite, number, sdp, answer_sdp=""):
        """A re-INVITE of this participant; what it is answered, and answers in turn."""
        target = invite["Contact"].strip("<>")
        arguments = (invite["Call-ID"], invite["From"], "callee")
        user.send(user.request("INVITE", target, number, *arguments, body=sdp))
        answer = user.take(lambda m: m.status >= 200 and m["CSeq"] == f"{number} INVITE")
        user.send(user.request("ACK", target, number, *arguments, body=answer_sdp))
        return answer

    def media(self, session, party):
        information = self.v3.getCallParticipantInformation(callSessionIdentifier=session, callParticipant=party.uri)
        return [(info.media, info.mediaDirection) for info in information.mediaInfo]

    def test_hold_and_other_media_of_a_phone_on_the_bridge(self):
        first, second = self.peer("first_moved"), self.peer("second_moved")
        session = self.session(first, second)
        self.connected(session, first, second)
        self.assertEqual(self.media(session, first), [("Audio", "InOut")])
        user, invite = self.mixed_user(session)
        self.mixed(3)
        self.assertEqual(self.media(session, user), [("Audio", "InOut")])
        sdp = USER_SDP.format(port=user.port)
        held = self.offers(user, invite, 1, sdp.replace("1 1 IN", "1 2 IN") + "a=sendonly\r\n")
        self.assertEqual((held.status, "a=inactive" in held.body), (200, True))
        self.mixed(2)
        self.assertEqual((self.media(session, user), self.statuses(session)[user.uri]), ([], "Connected"))
        for number, line, port, direction in ((2, "a=sendrecv", user.port, "InOut"), (3, "a=recvonly", 50000, "In")):
            back = self.offers(user, invite, number, sdp.replace("1 1 IN", f"1 {number + 1} IN")
                               .replace(str(user.port), str(port)) + line + "\r\n")
            self.assertEqual(back.status, 200)
            self.assertRegex(back.body, "m=audio [1-9][0-9]* RTP/AVP 0")
            self.mixed(3)
            self.assertEqual(self.media(session, user), [("Audio", direction)])
        # Media that can't be mixed are refused, and what was before is asked for.
        strange = self.offers(user, invite, 4, sdp.replace("1 1 IN", "1 5 IN").replace("RTP/AVP 0", "RTP/SAVP 0"))
        self.assertEqual(strange.status, 488)
        user.answer(user.invited())
        self.mixed(3)
        self.v3.endCallSession(callSessionIdentifier=session)
        user.expect_bye()
        self.finish()

    def test_a_phone_that_asks_for_an_offer_on_the_bridge(self):
        """As some do that hold, resume, or move to another address: what they answer comes with the ACK."""
        first, second = self.peer("first_moved"), self.peer("second_moved")
        session = self.session(first, second)
        self.connected(session, first, second)
        user, invite = self.mixed_user(session)
        self.mixed(3)
        sdp = USER_SDP.format(port=user.port)

        def version(number):
            return sdp.replace("1 1 IN", f"1 {number} IN")
        self.offers(user, invite, 1, "", version(2))
        for number, line in ((2, "a=sendonly"), (3, "a=inactive")):
            offer = self.offers(user, invite, number, "", version(number + 1) + line + "\r\n")
            self.assertNotIn("a=inactive", offer.body)
            self.mixed(2)
        # Back, and then at another address: each time the bridge is to be told.
        for number, port in ((4, user.port), (5, 50000)):
            there = version(number + 1).replace(f"audio {user.port} ", f"audio {port} ")
            self.offers(user, invite, number, "", there)
            asked = user.invited()
            self.assertEqual(asked.body, "")
            user.reply(asked, 200, "OK", there)
            user.take(lambda m: m.method == "ACK" and m["Content-Type"] == "application/sdp")
            self.mixed(3)
        self.v3.endCallSession(callSessionIdentifier=session)
        user.expect_bye()
        self.finish()

    def test_no_other_media_where_they_are_fixed(self):
        first = self.peer("mixed")
        session = self.v3.makeCallSession(callParticipants=[first.uri], changeMediaNotAllowed=True)
        user, invite = self.mixed_user(session)
        sdp = USER_SDP.format(port=user.port).replace("1 1 IN", "1 2 IN")
        self.assertEqual(self.offers(user, invite, 1, sdp + "m=video 5000 RTP/AVP 31\r\n").status, 488)
        self.assertEqual(self.offers(user, invite, 2, sdp + "a=sendonly\r\n").status, 200)
        self.v3.endCallSession(callSessionIdentifier=session)
        user.expect_bye()
        self.finish()

    def test_a_participant_that_only_listens(self):
        gwen, hugo = self.phone("gwen", 440), self.phone("hugo", 880)
        session = self.session(gwen)
        self.mixed(1)
        self.v3.addCallParticipant(callSessionIdentifier=session, callParticipant=hugo.uri,
                                   mediaInfo=[{"media": "Audio", "mediaDirection": "In"}])
        self.until(lambda: hugo.hears([440], [440, 880]), "who speaks")
        self.assertEqual(self.media(session, hugo), [("Audio", "In")])
        self.assertEqual(self.media(session, gwen), [("Audio", "InOut")])
        self.assertTrue(gwen.hears([], [440, 880]))
        self.fault("POL0011", self.v3.addCallParticipant, callSessionIdentifier=session,
                   callParticipant=f"sip:x@127.0.0.1:{free_port()}",
                   mediaInfo=[{"media": "Audio", "mediaDirection": "In"}, {"media": "Video", "mediaDirection": "In"}])
        self.v3.endCallSession(callSessionIdentifier=session)
        self.mixed(0)
        self.until(lambda: self.legs() == 0, "the last leg's end")

    def test_no_more_participants_than_the_limit(self):
        parties = [self.peer("mixed") for _ in range(4)]
        session = self.session(parties[0])
        for party in parties[1:]:
            self.add_party(session, party.uri)
        self.connected(session, *parties)
        self.assertEqual(self.fault("POL0001", self.v3.addCallParticipant, callSessionIdentifier=session,
                                    callParticipant=f"sip:x@127.0.0.1:{free_port()}"), ["over-limit"])
        self.v3.endCallSession(callSessionIdentifier=session)
        self.finish()

    def test_participants_count_among_the_calls_of_a_second(self):
        first, second = self.peer("mixed"), self.peer("mixed")
        session = self.session(first)
        self.connected(session, first)

        def refusal():
            try:
                self.v3.addCallParticipant(callSessionIdentifier=session, callParticipant=second.uri)
            except zeep.exceptions.Fault as fault:
                return [fault.detail.find(".//messageId").text, *(v.text for v in fault.detail.findall(".//variables"))]
            return []
        self.command("user", "limit", "demo-app", "calls-per-second", "0")
        try:
            # The server forgets what it knows of the user soon, not at once.
            self.until(self.no_call_is_started, "the limit")
            self.assertEqual(refusal(), ["POL0001", "over-limit"])
            self.assertEqual(list(self.statuses(session)), [first.uri])
        finally:
            self.command("user", "limit", "demo-app", "calls-per-second", "--remove")
        self.until(lambda: not refusal(), "the limit's end")
        self.connected(session, first, second)
        self.v3.endCallSession(callSessionIdentifier=session)
        self.finish()

    def no_call_is_started(self):
        try:
            self.v3.makeCallSession(callParticipants=[f"sip:x@127.0.0.1:{free_port()}"], changeMediaNotAllowed=False)
        except zeep.exceptions.Fault as fault:
            return fault.detail.find(".//messageId").text == "POL0001"
        return False

    def test_a_participant_goes_to_another_session_with_its_dialog(self):
        stays, mover, other = self.peer("mixed"), self.peer("mixed_moved"), self.peer("mixed")
        source, target = self.session(stays), self.session(other)
        self.add_party(source, mover.uri)
        self.connected(source, stays, mover)
        self.connected(target, other)
        transfer = self.v3.transferCallParticipant
        for part, arguments in (("callParticipant", {"callParticipant": "sip:nobody@127.0.0.1"}),
                                ("callParticipant", {"destinationCallSessionIdentifier": source}),
                                ("destinationCallSessionIdentifier", {"destinationCallSessionIdentifier": "0" * 32}),
                                ("sourceCallSessionIdentifier", {"sourceCallSessionIdentifier": "0" * 32})):
            whole = {"destinationCallSessionIdentifier": target, "sourceCallSessionIdentifier": source,
                     "callParticipant": mover.uri}
            self.assertEqual(self.fault("SVC0002", transfer, **dict(whole, **arguments)), [part])
        self.assertEqual(self.command("call", "transfer", source, mover.uri, target), "Transferred.\n")
        self.connected(target, other, mover)
        self.mixed(3)
        self.assertEqual(self.statuses(source), {stays.uri: "Connected", mover.uri: "Terminated"})
        self.v3.endCallSession(callSessionIdentifier=source)
        self.v3.endCallSession(callSessionIdentifier=target)
        self.finish()

    def test_the_command_line(self):
        first, second, third = self.peer("mixed"), self.peer("mixed"), self.peer("mixed")
        session = self.session(first)
        watch = subprocess.Popen([LEDGERLINE, "call", "watch", session], cwd=self.folder, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        self.mixed(1)
        self.assertEqual(self.command("call", "add", session, second.uri), "Added.\n")
        self.connected(session, first, second)
        self.assertEqual(self.command("call", "drop", session, second.uri), "Dropped.\n")
        self.assertEqual(self.command("call", "add", session, third.uri), "Added.\n")
        self.connected(session, first, third)
        errors = run([LEDGERLINE, "call", "add", session, third.uri], cwd=self.folder)[1]
        self.assertIn("SVC0002", errors)
        # Somebody else's calls end, and nobody's that there is not.
        self.command("call", "end", "--all", "--user", "alice")
        self.assertEqual(run([LEDGERLINE, "call", "end", "--all", "--user", "nobody"], cwd=self.folder)[2], 2)
        self.assertEqual(self.statuses(session)[third.uri], "Connected")
        self.command("call", "end", "--all", "--user", "demo-app")
        self.finish()
        seen = watch.communicate(timeout=30)[0].splitlines()
        self.assertEqual(watch.returncode, 0)
        self.assertEqual(seen[-1].split()[:3], ["call", "CallTerminated", "CallHangUp"])
        self.assertIn(f"{second.uri} CallParticipantTerminated CallParticipantHangUp",
                      [" ".join(line.split()[:3]) for line in seen])

    def test_the_calls_of_a_disabled_user_end(self):
        alices, ours = self.peer("mixed"), self.peer("mixed")
        alice = self.client("v3_4", "alice")
        alice.makeCallSession(callParticipants=[alices.uri], changeMediaNotAllowed=False)
        session = self.session(ours)
        self.mixed(2)
        self.command("user", "disable", "alice")
        self.assertEqual(alices.finish(), "")
        self.command("user", "enable", "alice")
        self.assertEqual(self.statuses(session), {ours.uri: "Connected"})
        self.v3.endCallSession(callSessionIdentifier=session)
        self.finish()


class Failures(Started):
    """Its phones may be asked for offers at any time: one that plays a scenario would not know them. Where a busy machine's
    Janus takes longer than this to answer, it is lost for all calls, as one that hangs."""
    settings = dict(Conference.settings, MEDIA_TIMEOUT="1s")

    def test_each_hears_all_others_and_not_itself(self):
        phones = [self.phone("anna", 440), self.phone("bert", 880), self.phone("carl", 1320)]
        tones = [phone.frequency for phone in phones]
        anna, bert, carl = phones
        session = self.session(anna, bert)
        self.until(lambda: anna.hears([880], tones) and bert.hears([440], tones), "both tones, directly")
        self.assertEqual(self.metric("ledgerline_call_legs_mixed"), 0)
        self.add_party(session, carl.uri)
        for phone in phones:
            others = [tone for tone in tones if tone != phone.frequency]
            self.until(lambda: phone.hears(others, tones), f"{others} Hz at {phone.name}'s")
        self.v3.deleteCallParticipant(callSessionIdentifier=session, callParticipant=bert.uri)
        self.until(lambda: anna.hears([1320], tones) and carl.hears([440], tones), "the tones of those who are left")
        # Killed, it is started again; nobody is hung up.
        janus = child_of(self.server.process.pid, "janus")
        os.kill(janus, signal.SIGKILL)
        self.until(lambda: child_of(self.server.process.pid, "janus") not in (None, janus), "another Janus")
        # Both are there again, on the bridge or, where that took its time to come back, directly.
        self.connected(session, anna, carl)
        self.add_party(session, bert.uri)
        for phone in phones:
            others = [tone for tone in tones if tone != phone.frequency]
            self.until(lambda: phone.hears(others, tones), f"{others} Hz at {phone.name}'s, again")
        # One that hangs is killed, once somebody has asked it for something; so is one that takes no connections.
        dora = self.phone("dora", 1760)
        for socket in (True, False):
            hung = child_of(self.server.process.pid, "janus")
            os.kill(hung, signal.SIGSTOP)
            if not socket:
                os.unlink(os.path.join(self.folder, "var", "janus", "api"))
            self.v3.addCallParticipant(callSessionIdentifier=session, callParticipant=dora.uri)
            self.until(lambda: child_of(self.server.process.pid, "janus") not in (None, hung), "another Janus")
            self.connected(session, anna, bert, carl, dora)
            self.mixed(4)
            self.v3.deleteCallParticipant(callSessionIdentifier=session, callParticipant=dora.uri)
            self.mixed(3)
        self.v3.endCallSession(callSessionIdentifier=session)
        self.mixed(0)
        self.until(lambda: self.legs() == 0, "the last leg's end")


class Tones(Started):
    """What the bridge plays: while the second party rings, and when the funds end."""
    settings = dict(Conference.settings, CALL_RINGBACK="bridge", CALL_SLICE="6s", CALL_SLICE_AHEAD="5s")

    def test_the_tone_until_the_second_answers(self):
        anna = self.phone("anna", 440)
        for answers in (False, True):
            end = SCENARIOS["second"][len(RING):] if answers else send("486 Busy Here", FIRST, repeat=True) + recv("ACK")
            second = self.peer("second", RING + pause(8000) + end)
            session = self.session(anna, second)
            self.until(lambda: anna.hears([425], [425, 440]), "the ringing tone")
            self.mixed(1)
            if answers:
                self.connected(session, anna, second)
                self.mixed(0)
                self.v3.endCallSession(callSessionIdentifier=session)
            self.assertEqual(second.finish(), "")
            self.mixed(0)


    def test_the_end_of_funds_is_heard_by_two_that_talked_directly(self):
        self.command("tariff", "add", "gold", "--unit", "seconds", "--currency", "EUR", "--price", "10.00",
                     "--service", "GOLD")
        bob = self.client("v3_4", "bob")
        emma, fred = self.phone("emma", 440), self.phone("fred", 880)
        tones = [440, 880, 1400]
        session = bob.makeCallSession(callParticipants=[emma.uri, fred.uri], changeMediaNotAllowed=False,
                                      charging={"description": "talk", "currency": "EUR", "code": "GOLD"})
        self.until(lambda: emma.hears([880], tones) and fred.hears([440], tones), "both tones, directly")
        heard = set()

        def both_hear_it():
            heard.update(phone for phone, other in ((emma, 880), (fred, 440)) if phone.hears([other, 1400], tones))
            return len(heard) == 2
        self.until(both_hear_it, "each other and the end of funds")
        self.mixed(2)
        self.until(lambda: bob.getCallParticipantInformation(
            callSessionIdentifier=session, callParticipant=fred.uri).callParticipantStatus.endswith("Terminated"),
            "the end of the call")
        self.mixed(0)
        self.until(lambda: self.query("select charge, seconds, cause from calls where call_id = "
                                      f"'{session}' and charge is not null") == "60.00|6|hang-up", "the charge")

    def test_the_end_of_funds_is_heard_by_a_user_who_is_called(self):
        self.command("tariff", "add", "silver", "--unit", "seconds", "--currency", "EUR", "--price", "10.00",
                     "--service", "SILVER")
        application = ApplicationEndpoint(self.url)
        self.addCleanup(application.stop)
        application.answer = lambda event: {
            "actionToPerform": "Continue", "charging": {"description": "advice", "currency": "EUR", "code": "SILVER"}}
        self.client("v3_1", service="CallDirectionManager").startCallDirectionNotification(
            reference={"endpoint": application.url, "interfaceName": "CallDirection", "correlator": "funds"},
            addresses=["sip:bob@example.com"], criteria=["CalledNumber"])
        alice, bob = (SipUser(f"{name}@example.com", ("127.0.0.1", self.sip_port), name) for name in ("alice", "bob"))
        for user in (alice, bob):
            self.addCleanup(user.close)
        gina = self.phone("gina", 440)
        self.assertEqual(bob.register(f"<{gina.uri}>").status, 200)

        def asked():
            """The server may not have heard of the notification yet: then nothing is charged."""
            call = alice.call("sip:bob@example.com")
            self.assertEqual(call.response().status, 200)
            return True if application.events else call.bye() and False
        self.until(asked, "the question")
        # The caller, who talks directly, is asked for an offer, and answered with the bridge's in the ACK.
        offerless = alice.invited()
        self.assertEqual(offerless.body, "")
        alice.answer(offerless)
        self.mixed(2)
        self.until(lambda: gina.hears([1400], [440, 1400]), "the end of funds")
        alice.expect_bye()
        self.mixed(0)
        self.until(lambda: self.query("select charge, seconds, cause from calls where called_party = "
                                      "'sip:bob@example.com' and charge is not null") == "60.00|6|hang-up", "the charge")


class WithoutJanus(Conference):
    """A bridge that is configured, and is not there."""
    settings = dict(Conference.settings, MEDIA_BRIDGE="/nowhere/janus")

    def test_two_parties_need_no_bridge(self):
        first, second = self.peer("first"), self.peer("second")
        session = self.session(first, second)
        self.connected(session, first, second)
        self.assertEqual(self.fault("SVC0001", self.v3.addCallParticipant, callSessionIdentifier=session,
                                    callParticipant=f"sip:x@127.0.0.1:{free_port()}"), ["bridge-unavailable"])
        self.assertEqual(len(self.statuses(session)), 2)
        self.v3.endCallSession(callSessionIdentifier=session)
        self.finish()


if __name__ == "__main__":
    del Conference, Started
    unittest.main()
