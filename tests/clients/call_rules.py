#!/usr/bin/python3
"""Every kind of rule against every way in which a call may go, over SIP: rules set by Call Handling, by applications
and by the operator; telephones that answer, are busy, decline, stay silent, fail, or are not there.

    call_rules.py LEDGERLINE [Table | Forwards | Delays]
"""
import functools
import time
import unittest

import requests
import zeep
from zeep.transports import Transport

from called_applications import ASK, TELL, ApplicationCalls
from inbound_calls import BOB
from sip_user import SDP

# How bob's telephone takes a call; the last two are not telephones that say anything.
OUTCOMES = ("answers", "busy", "declines", "silent", "fails", "not registered", "not reachable")
ANSWERS, BUSY, DECLINES, SILENT, FAILS, NOT_REGISTERED, NOT_REACHABLE = OUTCOMES
STATUS = {BUSY: 486, DECLINES: 603, FAILS: 500}

# Who rang in which order, and the status where nobody took the call: of each outcome without any rule, and where a
# rule of one stage leads elsewhere.
PLAIN = ("bob", "bob 486", "bob 603", "bob 480", "bob 500", "480", "503")
ELSEWHERE = ("elsewhere",) * 7
SCREENED = ("403",) * 7
BUSY_ELSEWHERE = ("bob", "bob elsewhere", "bob elsewhere", *PLAIN[3:])
SILENT_ELSEWHERE = (*PLAIN[:3], "bob elsewhere", *PLAIN[4:])
ERROR_ELSEWHERE = (*PLAIN[:4], "bob elsewhere", "elsewhere", "elsewhere")


def refused(status):
    return (str(status),) * 7


class RuleCase(ApplicationCalls):
    """Bob has a telephone, and there is one elsewhere, which answers at once."""

    def setUp(self):
        super().setUp()
        self.others = []

    @classmethod
    @functools.cache
    def handling(cls):
        session = requests.Session()
        session.auth = ("demo-app", "demo-app")
        session.trust_env = False
        cls.sessions.append(session)
        return zeep.Client(f"{cls.url}/ParlayX/v3_1/CallHandling?wsdl",
                           transport=Transport(session=session, timeout=60, operation_timeout=60)).service

    def set_rules(self, **rules):
        """Bob's, by Call Handling."""
        service = self.handling()
        service.setRules(address=BOB, rules=rules)
        self.addCleanup(service.clearRules, addresses=[BOB])

    def give(self, owner, name, *options):
        """A rule by the operator's command."""
        self.command("rule", "set", owner, name, *options)
        self.rules_heard()

    def take_part(self, name, phone, outcome, rang):
        """What has come to a telephone."""
        phone.read(time.monotonic())
        for message in list(phone.waiting):
            if message.method == "ACK":
                continue
            phone.waiting.remove(message)
            if message.method == "INVITE":
                rang.append(name)
                phone.invite = message
                if outcome == ANSWERS:
                    phone.reply(message, 200, "OK", SDP.format(port=phone.port))
                elif outcome == SILENT:
                    phone.reply(message, 180, "Ringing")
                else:
                    phone.reply(message, STATUS[outcome])
            elif message.method == "CANCEL":
                phone.reply(message, 200, "OK")
                phone.reply(phone.invite, 487, "Request Terminated")
            elif message.method == "BYE":
                phone.reply(message, 200, "OK")

    def play(self, outcomes, caller=None):
        """One call to bob. `outcomes`: of each telephone that takes part, by name. Who rang, and what it came to."""
        call = (caller or self.alice).call(BOB)
        phones = {"bob": self.bob, "elsewhere": self.phone, **dict(self.others)}
        for phone in phones.values():
            phone.waiting.clear()
        rang = []
        deadline = time.monotonic() + 30
        final = None
        while final is None:
            assert time.monotonic() < deadline, f"the call came to nothing: {rang}"
            for name, outcome in outcomes.items():
                self.take_part(name, phones[name], outcome, rang)
            call.user.read(time.monotonic())
            if any(m.status >= 200 and m["Call-ID"] == call.id for m in call.user.waiting):
                final = call.response()
        if final.status == 200:
            answered = phones[rang[-1]]
            answered.take(lambda m: m.method == "ACK" and m["Call-ID"] == answered.invite["Call-ID"])
            call.bye()
            answered.expect_bye()
            return " ".join(rang)
        return " ".join([*rang, str(final.status)])

    def registered(self, outcome):
        """Bob's telephones as this outcome wants them."""
        self.bob.register("*", headers=["Expires: 0"])
        if outcome == NOT_REACHABLE:
            self.bob.register("<sip:bob@127.0.0.1:9>")
        elif outcome != NOT_REGISTERED:
            self.register(self.bob)

    def play_all(self, expected, then=lambda: None):
        """Each outcome of bob's telephone, and what becomes of it."""
        for outcome, wanted in zip(OUTCOMES, expected):
            with self.subTest(outcome=outcome):
                if outcome in (ANSWERS, NOT_REGISTERED, NOT_REACHABLE):
                    self.registered(outcome)
                parts = {"elsewhere": ANSWERS}
                if outcome not in (NOT_REGISTERED, NOT_REACHABLE):
                    parts["bob"] = outcome
                self.assertEqual(self.play(parts), wanted)
                then()


class Table(RuleCase):
    def test_no_rule(self):
        self.play_all(PLAIN)

    def test_accept_list(self):
        self.set_rules(acceptList=["tel:+15550001"])  # alice by another of her addresses
        self.play_all(PLAIN)
        self.set_rules(acceptList=["sip:carol@example.com", "tel:+1555001*"])
        self.play_all(SCREENED)

    def test_block_list(self):
        self.set_rules(blockList=["sip:carol@example.com"])
        self.play_all(PLAIN)
        self.set_rules(blockList=["sip:al*@example.com"], forward={"forwardingAddress": self.elsewhere})
        self.play_all(SCREENED)

    def test_forward_list(self):
        self.set_rules(forwardList=[{"callingAddress": "sip:alice@example.com", "forwardingAddress": self.elsewhere}],
                       forward={"forwardingAddress": "sip:nobody@example.com"})
        self.play_all(ELSEWHERE)
        self.set_rules(forwardList=[{"callingAddress": "sip:carol@example.com", "forwardingAddress": self.elsewhere}])
        self.play_all(PLAIN)
        self.set_rules(forwardList=[{"callingAddress": "sip:alice@example.com", "onBusyAddress": self.elsewhere}],
                       forward={"onNoAnswerAddress": self.elsewhere})
        self.play_all(BUSY_ELSEWHERE)

    def test_forward(self):
        for address, expected in (("forwardingAddress", ELSEWHERE), ("onBusyAddress", BUSY_ELSEWHERE),
                                  ("onNoAnswerAddress", SILENT_ELSEWHERE)):
            with self.subTest(address=address):
                self.set_rules(forward={address: self.elsewhere})
                self.play_all(expected)

    def test_asking(self):
        forward = {"forwardingAddress": self.elsewhere}
        for events, verb, rules, expected in (
                (("CalledNumber",), "Continue", {}, PLAIN), (("CalledNumber",), "EndCall", {}, refused(603)),
                (("CalledNumber",), "Route", {}, ELSEWHERE), (("Busy",), "Route", {}, BUSY_ELSEWHERE),
                (("NotReachable",), "Route", {}, ERROR_ELSEWHERE),
                # Asked after the lists, before what forwards.
                (("CalledNumber",), "Continue", {"forward": forward}, ELSEWHERE),
                (("CalledNumber",), "EndCall", {"forward": forward}, refused(603)),
                (("CalledNumber",), "Route", {"blockList": ["sip:alice@example.com"]}, SCREENED)):
            with self.subTest(events=events, verb=verb, rules=rules):
                self.answers(verb, *([self.elsewhere] if verb == "Route" else []))
                self.start(ASK, *events)
                self.set_rules(**rules)
                self.play_all(expected)
                self.stop(ASK)

    def test_telling(self):
        self.start(TELL, "Busy", "NotReachable", "NoAnswer", "CalledNumber", "Answer")
        told = iter(("Answer", "Busy", "Busy", "NoAnswer", "NotReachable", "NotReachable", "NotReachable"))

        def check():
            events = self.application.wait_for(2)
            self.assertEqual([event.operation for event in events], ["notifyCalledNumber", "notify" + next(told)])
            self.application.events.clear()
        self.play_all(PLAIN, check)

    def test_telling_ends_no_search(self):
        self.start(TELL, "CalledNumber")
        self.set_rules(blockList=["sip:alice@example.com"])
        self.play_all(SCREENED, lambda: (self.application.wait_for(1), self.application.events.clear()))

    def test_priorities(self):
        self.give(BOB, "low", "--reject", "410", "--priority", "3")
        self.give(BOB, "high", "--redirect", self.elsewhere, "--priority", "7")
        self.play_all(ELSEWHERE)
        self.give(BOB, "higher", "--reject", "404", "--priority", "8")
        self.play_all(refused(404))
        # The account's lists come before its other rules, whatever their priority.
        self.set_rules(blockList=["sip:alice@example.com"])
        self.play_all(SCREENED)
        self.set_rules()
        self.give(BOB, "highest", "--stop", "--priority", "9")
        self.play_all(PLAIN)

    def test_domains_before_and_after_accounts(self):
        self.give("example.com", "late", "--reject", "410", "--priority", "5")
        self.play_all(refused(410))
        self.give(BOB, "own", "--redirect", self.elsewhere)
        self.play_all(ELSEWHERE)
        self.give("example.com", "early", "--reject", "404", "--priority", "6")
        self.play_all(refused(404))

    def test_errors(self):
        self.give(BOB, "error", "--redirect", self.elsewhere, "--stage", "error")
        self.play_all(ERROR_ELSEWHERE)


class Forwards(RuleCase):
    """What is called in the place of another."""

    def user_elsewhere(self, name="third"):
        phone = self.stranger(name)
        self.others.append((name, phone))
        return f"sip:{name}@127.0.0.1:{phone.port}"

    def test_a_forward_that_fails_has_its_own_fallbacks(self):
        third = self.user_elsewhere()
        self.register(self.bob)
        self.set_rules(forward={"forwardingAddress": self.elsewhere, "onBusyAddress": third,
                                "onNoAnswerAddress": "sip:nobody@example.com"})
        for outcome, expected in ((ANSWERS, "elsewhere"), (BUSY, "elsewhere third"), (DECLINES, "elsewhere third"),
                                  (FAILS, "elsewhere 500"), (SILENT, "elsewhere 404")):
            with self.subTest(outcome=outcome):
                self.assertEqual(self.play({"elsewhere": outcome, "third": ANSWERS, "bob": ANSWERS}), expected)
        self.set_rules(forward={"forwardingAddress": self.elsewhere, "onNoAnswerAddress": third})
        self.assertEqual(self.play({"elsewhere": SILENT, "third": ANSWERS}), "elsewhere third")
        self.assertEqual(self.play({"elsewhere": BUSY, "third": ANSWERS}), "elsewhere 486")

    def test_each_stage_acts_once(self):
        third = self.user_elsewhere()
        self.register(self.bob)
        self.set_rules(forward={"onBusyAddress": self.elsewhere, "onNoAnswerAddress": third})
        self.assertEqual(self.play({"bob": BUSY, "elsewhere": BUSY, "third": ANSWERS}), "bob elsewhere 486")
        self.assertEqual(self.play({"bob": BUSY, "elsewhere": SILENT, "third": BUSY}), "bob elsewhere third 486")

    def test_the_target_is_a_user_with_rules(self):
        self.register(self.alice)
        self.rule("immediately", "redirect", "sip:alice@example.com")
        for stage, outcome in (("busy", BUSY), ("no-answer", SILENT), ("error", FAILS)):
            with self.subTest(stage=stage):
                self.give("sip:alice@example.com", stage, "--redirect", self.elsewhere, "--stage", stage)
                caller = self.user("alice")
                self.others = [("alice", self.alice)]
                self.assertEqual(self.play({"alice": outcome, "elsewhere": ANSWERS}, caller), "alice elsewhere")
        self.give("sip:alice@example.com", "closed", "--reject", "410", "--reason", "Moved Out")
        self.assertEqual(self.play({"alice": ANSWERS, "elsewhere": ANSWERS}, self.user("alice")), "410")

    def chain(self, length):
        """Users' numbers, each forwarded to the next one, from bob on; the last one leads elsewhere."""
        numbers = [f"tel:+155500{50 + number}" for number in range(length - 1)]
        for number, target in zip((BOB, *numbers), (*numbers, self.elsewhere)):
            self.command("rule", "set", number, "on", "--redirect", target)
        self.rules_heard()

    def test_five_forwards_and_no_more(self):
        self.chain(5)
        self.assertEqual(self.play({"elsewhere": ANSWERS}), "elsewhere")
        self.chain(6)
        self.assertEqual(self.play({"elsewhere": ANSWERS}), "483")

    def test_circles_of_every_stage_end(self):
        self.register(self.bob, self.alice)
        for stage in ("immediately", "busy", "no-answer", "error"):
            for owner, other in (("sip:alice@example.com", BOB), (BOB, "sip:alice@example.com")):
                self.give(owner, stage, "--redirect", other, "--stage", stage)
        self.assertEqual(self.play({"bob": BUSY}), "483")
        for owner in ("sip:alice@example.com", BOB):
            self.give(owner, "immediately", "--stop")
        self.others = [("alice", self.alice)]
        caller = self.user("alice")
        self.assertIn("bob alice", self.play({"bob": BUSY, "alice": BUSY}, caller))

    def test_max_forwards_counts_down(self):
        self.register(self.bob)
        call = self.alice.call(BOB, ["Max-Forwards: 1"])
        invite = self.bob.invited()
        self.assertEqual(invite["Max-Forwards"], "0")
        self.bob.reply(invite, 486)
        self.assertEqual(call.response().status, 486)
        self.assertEqual(self.alice.call(BOB, ["Max-Forwards: 0"]).response().status, 483)


class Delays(RuleCase):
    """What happens while a call rings, for long enough: delays of the stage `after`, and rules that change."""
    settings = dict(RuleCase.settings, CALL_NO_ANSWER="30s")

    def test_rules_that_change_while_calls_run(self):
        """A call keeps the rules that it began with."""
        self.register(self.bob)
        self.set_rules(forward={"onBusyAddress": self.elsewhere})
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        call.ringing()
        self.set_rules(blockList=["*"])
        self.rules_heard()
        self.assertEqual(self.user("alice").call(BOB).response().status, 403)
        self.bob.reply(invite, 486)
        self.connected(call, self.phone)
        self.ended(call, self.phone)
        # And one that talks goes on.
        self.set_rules()
        self.bob.waiting.clear()  # the INVITE may have come twice
        call = self.alice.call(BOB)
        self.connected(call, self.bob)
        self.set_rules(blockList=["*"])
        self.rules_heard()
        self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "BYE", 0.05))
        self.ended(call, self.bob)

    def ring(self):
        """A call that rings at bob's, and when that began."""
        self.register(self.bob)
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        self.assertEqual(call.ringing().status, 180)
        return call, invite, time.monotonic()

    def test_another_telephone_rings_too_after_a_second(self):
        self.give(BOB, "too", "--fork", self.elsewhere, "--after", "1")
        call, invite, since = self.ring()
        other = self.phone.invited()
        self.assertGreater(time.monotonic() - since, 0.8)
        self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "CANCEL", 0.05))
        self.phone.reply(other, 486)
        self.bob.answer(invite)
        self.assertEqual(call.response().status, 200)
        self.ended(call, self.bob)

    def test_the_call_goes_elsewhere_after_a_second(self):
        self.give(BOB, "away", "--redirect", self.elsewhere, "--after", "1")
        call, invite, since = self.ring()
        self.bob.expect_cancel(invite)
        self.assertGreater(time.monotonic() - since, 0.8)
        self.connected(call, self.phone)
        self.ended(call, self.phone)

    def test_several_delays_each_at_its_time(self):
        third = self.stranger("third")
        self.give(BOB, "first", "--fork", self.elsewhere, "--after", "1")
        self.give(BOB, "second", "--fork", f"sip:third@127.0.0.1:{third.port}", "--after", "2")
        call, invite, _ = self.ring()
        early = self.phone.invited()
        self.assertTrue(third.hears_nothing(lambda m: m.method == "INVITE", 0.2))
        self.phone.reply(early, 180)
        late = third.invited()
        third.reply(late, 200, "OK", SDP.format(port=third.port))
        third.take(lambda m: m.method == "ACK")
        self.bob.expect_cancel(invite)
        self.phone.expect_cancel(early)
        self.assertEqual(call.response().status, 200)
        self.ended(call, third)

    def test_whoever_answers_or_gives_up_before_is_not_waited_for(self):
        self.give(BOB, "too", "--fork", self.elsewhere, "--after", "1")
        call, invite, _ = self.ring()
        self.bob.answer(invite)
        self.assertEqual(call.response().status, 200)
        self.assertTrue(self.phone.hears_nothing(lambda m: m.method == "INVITE", 1.2))
        self.ended(call, self.bob)
        call, invite, _ = self.ring()
        self.assertEqual(call.cancel().status, 487)
        self.bob.expect_cancel(invite)
        self.assertTrue(self.phone.hears_nothing(lambda m: m.method == "INVITE", 1.2))

    def test_a_set_that_failed_before_asks_the_rules_of_its_failure(self):
        self.give(BOB, "too", "--fork", self.elsewhere, "--after", "1")
        call, invite, _ = self.ring()
        self.bob.reply(invite, 486)
        self.assertEqual(call.response().status, 486)
        self.assertTrue(self.phone.hears_nothing(lambda m: m.method == "INVITE", 1.2))

    def test_without_telephones_at_once(self):
        self.give(BOB, "later", "--reject", "410", "--after", "3")
        self.give(BOB, "away", "--redirect", self.elsewhere, "--after", "2")
        since = time.monotonic()
        call = self.alice.call(BOB)
        self.connected(call, self.phone)
        self.assertLess(time.monotonic() - since, 1.5)
        self.ended(call, self.phone)


if __name__ == "__main__":
    unittest.main(verbosity=2)
