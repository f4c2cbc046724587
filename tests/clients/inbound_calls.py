#!/usr/bin/python3
"""Calls from outside: users register their telephones and call each other, as their Signal Rules say.

    inbound_calls.py LEDGERLINE
"""
import os
import re
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import requests

from call_case import CallCase
from server import locked, run
from sip_user import SDP, SipUser

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
NO_ANSWER_SECONDS = 1
BOB = "sip:bob@example.com"
STAR = ("*",)


class Calls(CallCase):
    program = LEDGERLINE
    settings = {"SIP_EXPIRES_MIN": "5s", "SIP_CONTACTS_MAX": "3", "CALL_DENY": "sip:premium@",
                "CALL_NO_ANSWER": f"{NO_ANSWER_SECONDS}s", "AUTH_FAILURES_PER_LOGIN": "0",
                "AUTH_FAILURES_PER_ADDRESS": "0"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sip = ("127.0.0.1", cls.sip_port)

    @classmethod
    def owner(cls, statement):
        """As the database's owner, over the private socket."""
        socket = os.path.realpath(os.path.join(cls.folder, "var", "socket"))
        output, errors, status = run(["psql", "-U", "postgres", "-h", socket, "-d", "ledgerline", "-qAtc", statement])
        assert status == 0, errors
        return output.strip()

    def heard(self, statement):
        """Runs it as the owner, and waits until the server has heard of what it changed: of notifications of one
        transaction the last one is known by whether a user can log in."""
        enabled = self.owner(f"begin; {statement}; update auth.principal set enabled = not enabled"
                             " where name = 'finance' returning enabled; commit") == "t"
        self.until(lambda: (requests.post(self.url + "/ParlayX/", auth=("finance", "finance"), timeout=30).status_code
                            != 401) == enabled, "the notification")

    def setUp(self):
        super().setUp()
        self.users = []
        self.alice, self.bob = self.user("alice"), self.user("bob")
        self.heard("delete from rules.rule; delete from ledger.binding")

    def tearDown(self):
        for user in self.users:
            user.close()
        self.until(lambda: self.legs() == 0, "the end of every leg")

    def user(self, name, transport="udp", password=None, domain="example.com"):
        user = SipUser(f"{name}@{domain}", self.sip, password or name, transport)
        self.users.append(user)
        return user

    def stranger(self, name="mallory"):
        user = SipUser(f"{name}@outside.example", self.sip)
        self.users.append(user)
        return user

    def register(self, *users):
        for user in users:
            self.assertEqual(user.register(user.contact).status, 200)

    def rule(self, stage, action, addresses="", whose="bob", status="null", after=0, kind="other", calling="null"):
        """A Signal Rule of a demo user, as `ledgerline rule` and Call Handling would write it."""
        listed = "array[" + ",".join(f"'{a}'" for a in addresses.split()) + "]" if addresses else "null"
        self.heard("insert into rules.rule (account_id, origin, name, priority, stage, after_seconds, kind, action, status,"
                   f" addresses, calling) select a.account_id, 'operator', 'r' || clock_timestamp(), 5, '{stage}', {after},"
                   f" '{kind}', '{action}', {status}, {listed}, {calling} from ledger.address a"
                   f" where a.address = 'sip:{whose}@example.com' and a.until is null")

    def record(self, call_to):
        """The newest record of a call to this address."""
        return self.until(lambda: self.query(
            "select state, cause, calling_party, requested_by, direction from calls where ended_at is not null"
            f" and called_party = '{call_to}' order by created_at desc limit 1"), "the record")


class Registrations(Calls):
    def contacts(self, answer):
        return sorted(contact.split(">")[0].strip("<") for contact in answer.every("Contact"))

    def test_a_user_registers_asks_and_leaves(self):
        answer = self.bob.register(self.bob.contact + ";q=0.5", headers=["Expires: 60"])
        self.assertEqual(answer.status, 200)
        self.assertRegex(answer["Contact"], r";q=0\.5;expires=(60|59)$")
        asked = self.bob.register()
        self.assertEqual(self.contacts(asked), self.contacts(answer))
        gone = self.bob.register(self.bob.contact + ";expires=0")
        self.assertEqual((gone.status, gone.every("Contact")), (200, []))

    def test_several_contacts_and_a_star_that_removes_them(self):
        second = "<sip:bob@127.0.0.1:1;transport=udp>"
        answer = self.bob.register(self.bob.contact, second)
        self.assertEqual(len(answer.every("Contact")), 2)
        self.assertEqual(self.bob.register(*STAR, headers=["Expires: 60"]).status, 400)
        self.assertEqual(self.bob.register(*STAR, self.bob.contact, headers=["Expires: 0"]).status, 400)
        self.assertEqual(len(self.bob.register().every("Contact")), 2)
        self.assertEqual(self.bob.register(*STAR, headers=["Expires: 0"]).every("Contact"), [])

    def test_too_short_and_too_many_are_refused_and_change_nothing(self):
        answer = self.bob.register(self.bob.contact, headers=["Expires: 4"])
        self.assertEqual((answer.status, answer["Min-Expires"]), (423, "5"))
        four = [f"<sip:bob@127.0.0.1:{port}>" for port in range(1, 5)]
        self.assertEqual(self.bob.register(*four).status, 403)
        self.assertEqual(self.bob.register().every("Contact"), [])

    def test_contacts_that_were_left_behind_make_room(self):
        """A telephone that restarts again and again registers all the same."""
        left = [f"<sip:bob@127.0.0.1:{port};transport=udp>" for port in range(1, 5)]
        for number, contact in enumerate(left):
            self.assertEqual(self.bob.register(f"{contact};expires={60 + number}").status, 200)
        self.assertEqual(self.contacts(self.bob.register()), [contact.strip("<>") for contact in left[1:]])
        # One that is there is refreshed, and one that is not is taken away, beside the others.
        self.assertEqual(len(self.bob.register(left[1] + ";expires=60").every("Contact")), 3)
        self.assertEqual(len(self.bob.register(left[0] + ";expires=0").every("Contact")), 3)
        three = [f"<sip:bob@127.0.0.1:{port}>" for port in range(5, 8)]
        self.assertEqual(self.contacts(self.bob.register(*three)), [contact.strip("<>") for contact in three])

    def test_contacts_that_come_at_once_make_room_for_each_other(self):
        self.assertEqual(self.bob.register(*(f"<sip:bob@127.0.0.1:{port}>" for port in range(1, 4))).status, 200)
        at_once = [self.user("bob"), self.user("bob")]
        waiting = "select count(*) = 2 from pg_locks where not granted"
        with ThreadPoolExecutor() as pool:
            with locked(os.path.join(self.folder, "var"), "lock table ledger.binding in exclusive mode"):
                answers = [pool.submit(user.register, user.contact) for user in at_once]
                self.until(lambda: self.owner(waiting) == "t", "the two")
            self.assertEqual([answer.result().status for answer in answers], [200, 200])
        there = self.contacts(self.bob.register())
        self.assertEqual((len(there), {user.contact.strip("<>") for user in at_once} - set(there)), (3, set()))

    def test_requests_that_come_late_are_refused(self):
        self.register(self.bob)
        last = self.bob.register_sequence
        self.assertEqual(self.bob.register(self.bob.contact + ";expires=0", sequence=last - 1).status, 500)
        self.assertEqual(len(self.bob.register(sequence=last + 1).every("Contact")), 1)

    def test_only_the_owner_with_the_right_secret(self):
        self.assertEqual(self.user("bob", password="wrong").register("<sip:bob@127.0.0.1:1>").status, 401)
        self.assertEqual(self.bob.register(self.bob.contact, address="alice@example.com").status, 403)
        self.assertEqual(self.bob.register(self.bob.contact, address="bob@elsewhere.example").status, 403)
        self.assertEqual(self.stranger().register("<sip:bob@127.0.0.1:1>").status, 401)
        # By the server's own name, and by the telephone number.
        host = f"{self.sip[0]}:{self.sip[1]}"
        self.assertEqual(self.bob.register(self.bob.contact, address=f"bob@{host}").status, 200)
        self.assertEqual(self.bob.register(self.bob.contact, address=f"+15550002@{host}").status, 200)

    def test_a_used_answer_to_a_challenge_is_used_up(self):
        self.register(self.bob)
        self.bob.uses -= 1
        again = self.bob.register(self.bob.contact)
        self.assertEqual(again.status, 200)  # challenged anew
        self.assertEqual(self.bob.uses, 1)
        self.bob.challenge = self.bob.challenge.replace('nonce="', 'nonce="00')
        stale = SipUser.register
        self.assertEqual(stale(self.bob, self.bob.contact).status, 200)

    def test_contacts_are_no_way_round_forbidden_destinations(self):
        self.assertEqual(self.bob.register("<sip:premium@127.0.0.1:5070>").status, 403)
        self.assertEqual(self.bob.register("<tel:+15559999>").status, 403)
        self.assertEqual(self.bob.register(f"<sip:alice@{self.sip[0]}:{self.sip[1]}>").status, 403)

    def test_a_registration_expires(self):
        self.assertEqual(self.bob.register(self.bob.contact, headers=["Expires: 5"]).status, 200)
        self.heard("update ledger.binding set expires_at = clock_timestamp()")
        self.assertEqual(self.bob.register().every("Contact"), [])
        self.assertEqual(self.alice.call(BOB).response().status, 480)

    def test_the_path_is_kept_and_given_back(self):
        edge = self.stranger("edge")
        path = f"Path: <sip:127.0.0.1:{edge.port};lr>"
        answer = self.bob.register(self.bob.contact, headers=[path, "Supported: path"])
        self.assertEqual((answer.status, answer["Path"]), (200, path.partition(" ")[2]))
        call = self.alice.call(BOB)
        invite = edge.invited()
        self.assertIn(f"127.0.0.1:{edge.port}", invite["Route"])
        edge.reply(invite, 486, "Busy Here")
        self.assertEqual(call.response().status, 486)


class InboundCalls(Calls):
    def connect(self, caller, callee, uri=BOB):
        call = caller.call(uri)
        invite = callee.invited()
        callee.reply(invite, 180, "Ringing")
        self.assertEqual(call.ringing().status, 180)
        callee.answer(invite)
        self.assertEqual(call.response().status, 200)
        return call, invite

    def test_a_call_is_set_up_and_ended_by_either_side(self):
        self.register(self.bob)
        call, invite = self.connect(self.alice, self.bob)
        self.assertNotIn("o=- 1 1", invite.body)
        self.assertIn(f"m=audio {self.alice.port} ", invite.body)
        self.assertEqual(invite["Max-Forwards"], "69")
        self.assertIn("sip:alice@example.com", invite["From"])
        self.assertEqual(call.bye().status, 200)
        self.bob.expect_bye()
        self.assertEqual(self.record(BOB), "terminated|hang-up|sip:alice@example.com|alice@example.com|inbound")
        call, invite = self.connect(self.alice, self.bob, "sip:+15550002@" + ":".join(map(str, self.sip)))
        target = invite["Contact"].strip("<>")
        self.bob.send(self.bob.request("BYE", target, 1, invite["Call-ID"], invite["From"], "callee"))
        self.alice.expect_bye()

    def test_hold_is_relayed_and_the_offer_keeps_its_session(self):
        self.register(self.bob)
        call, invite = self.connect(self.alice, self.bob)
        self.alice.waiting.clear()
        call.sequence += 1
        self.alice.send(self.alice.request("INVITE", call.target, call.sequence, call.id, call.to, call.tag,
                                           body=SDP.format(port=self.alice.port) + "a=sendonly\r\n"))
        held = self.bob.invited()
        self.assertIn("a=sendonly", held.body)
        # Of the o= line the version alone changes (RFC 3264, 8).
        before, after = (re.search(r"o=(\S+ \d+) (\d+) (.*)", message.body).groups() for message in (invite, held))
        self.assertEqual((after[0], int(after[1]), after[2]), (before[0], int(before[1]) + 1, before[2]))
        self.bob.answer(held)
        self.assertEqual(call.response().status, 200)
        call.bye()
        self.bob.expect_bye()

    def test_a_hold_that_is_cancelled_holds_nobody(self):
        self.register(self.bob)
        call, _ = self.connect(self.alice, self.bob)
        self.alice.waiting.clear()
        for crosses in (False, True, False):
            with self.subTest(crosses):
                call.sequence += 1
                call.branch = f"z9hG4bK{call.sequence}cancelled"
                hold = SDP.format(port=self.alice.port) + "a=sendonly\r\n"
                self.alice.send(self.alice.request("INVITE", call.target, call.sequence, call.id, call.to, call.tag,
                                                   body=hold, branch=call.branch))
                held = self.bob.invited()
                self.bob.reply(held, 100, "Trying")
                self.alice.send(self.alice.request("CANCEL", call.target, call.sequence, call.id, call.to, call.tag,
                                                   branch=call.branch))
                self.assertEqual(call.response().status, 487)
                if not crosses:
                    self.bob.expect_cancel(held)
                    continue
                self.bob.reply(self.bob.take(lambda m: m.method == "CANCEL"), 200, "OK")
                self.bob.answer(held)
                again = self.bob.invited()
                self.assertNotIn("a=sendonly", again.body)
                self.assertIn(f"m=audio {self.alice.port} ", again.body)
                self.bob.answer(again)
        call.bye()
        self.bob.expect_bye()

    def test_a_cancel_of_nothing_is_told_so(self):
        self.register(self.bob)
        call, _ = self.connect(self.alice, self.bob)
        self.assertEqual(call.ask("CANCEL").status, 481)
        self.assertEqual(call.bye().status, 200)
        self.bob.expect_bye()

    def test_without_an_offer_the_answer_goes_with_the_ack(self):
        self.register(self.bob)
        call = self.alice.call(BOB, sdp=False)
        invite = self.bob.invited()
        self.assertEqual(invite.body, "")
        self.bob.reply(invite, 200, "OK", SDP.format(port=self.bob.port))
        answer = self.alice.take(lambda m: m.status == 200 and m["Call-ID"] == call.id)
        self.assertIn(f"m=audio {self.bob.port} ", answer.body)
        call.to, call.target = answer["To"], answer["Contact"].strip("<>")
        self.alice.send(self.alice.request("ACK", call.target, call.sequence, call.id, call.to, call.tag,
                                           body=SDP.format(port=self.alice.port)))
        ack = self.bob.take(lambda m: m.method == "ACK")
        self.assertIn(f"m=audio {self.alice.port} ", ack.body)
        call.bye()
        self.bob.expect_bye()

    def test_what_a_phone_answers_is_what_the_caller_gets(self):
        self.register(self.bob)
        for status in (486, 603, 480, 488, 500):
            call = self.alice.call(BOB)
            self.bob.reply(self.bob.invited(), status)
            self.assertEqual(call.response().status, status)
            self.bob.take(lambda m: m.method == "ACK")
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        self.bob.expect_cancel(invite)
        self.assertEqual(call.response().status, 480)
        self.assertTrue(self.record(BOB).startswith("terminated|no-answer|"))

    def test_nobody_there_and_unknown(self):
        self.assertEqual(self.alice.call(BOB).response().status, 480)
        self.assertEqual(self.alice.call("sip:nobody@example.com").response().status, 404)
        self.assertEqual(self.alice.call(BOB, ["Max-Forwards: 0"]).response().status, 483)
        # A telephone that is switched off: the network says so at once.
        gone = SipUser("bob@example.com", self.sip, "bob")
        self.register(gone)
        gone.close()
        self.assertEqual(self.alice.call(BOB).response().status, 503)

    def test_a_caller_gives_up_while_it_rings(self):
        self.register(self.bob)
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        call.ringing()
        answer = call.cancel()
        self.assertEqual(answer.status, 487)
        self.bob.expect_cancel(invite)

    def test_all_contacts_ring_and_the_first_answer_wins(self):
        second, third = self.user("bob"), self.user("bob")
        self.register(self.bob)
        self.bob.registration = second.registration = third.registration
        self.assertEqual(self.bob.register(second.contact, third.contact).status, 200)
        call = self.alice.call(BOB)
        invites = [phone.invited() for phone in (self.bob, second, third)]
        for phone, invite in zip((self.bob, second, third), invites):
            phone.reply(invite, 180)
        third.reply(invites[2], 486, "Busy Here")
        second.answer(invites[1])
        self.assertEqual(call.response().status, 200)
        self.bob.expect_cancel(invites[0])
        call.bye()
        second.expect_bye()

    def test_two_answers_at_once_make_one_call(self):
        second = self.user("bob")
        self.assertEqual(self.bob.register(self.bob.contact, second.contact).status, 200)
        call = self.alice.call(BOB)
        first_invite, second_invite = self.bob.invited(), second.invited()
        self.bob.reply(first_invite, 200, "OK", SDP.format(port=self.bob.port), "one")
        second.reply(second_invite, 200, "OK", SDP.format(port=second.port), "two")
        self.assertEqual(call.response().status, 200)
        for phone in (self.bob, second):
            phone.take(lambda m: m.method == "ACK")
        loser = self.until(lambda: next((p for p in (self.bob, second)
                                         if not p.hears_nothing(lambda m: m.method == "BYE", 0.05)), None), "a BYE")
        loser.expect_bye()
        call.bye()
        (second if loser is self.bob else self.bob).expect_bye()

    def test_everywhere_means_everywhere(self):
        second = self.user("bob")
        self.assertEqual(self.bob.register(self.bob.contact, second.contact).status, 200)
        call = self.alice.call(BOB)
        invite, other = self.bob.invited(), second.invited()
        second.reply(other, 180)
        self.bob.reply(invite, 603, "Decline")
        second.expect_cancel(other)
        self.assertEqual(call.response().status, 603)

    def test_preferred_contacts_ring_first(self):
        second = self.user("bob")
        self.assertEqual(self.bob.register(self.bob.contact + ";q=0.2", second.contact + ";q=0.9").status, 200)
        call = self.alice.call(BOB)
        second.reply(second.invited(), 486)
        invite = self.bob.invited()
        self.bob.answer(invite)
        self.assertEqual(call.response().status, 200)
        call.bye()
        self.bob.expect_bye()

    def test_a_phone_behind_tcp_is_reached_on_its_connection(self):
        phone = self.user("bob", "tcp")
        # Nobody listens at this contact: the connection is the only way.
        self.assertEqual(phone.register(phone.contact).status, 200)
        call, _ = self.connect(self.alice, phone)
        call.bye()
        phone.expect_bye()

    def test_early_media_of_a_single_phone(self):
        self.register(self.bob)
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 183, "Session Progress", SDP.format(port=self.bob.port))
        early = call.response(lambda status: status == 183)
        self.assertIn(f"m=audio {self.bob.port} ", early.body)
        self.bob.answer(invite)
        self.assertEqual(call.response().body, early.body)
        call.bye()
        self.bob.expect_bye()


class Security(Calls):
    def test_strangers_call_nobody(self):
        self.register(self.bob)
        self.assertEqual(self.stranger().call(BOB).response().status, 401)
        self.assertEqual(self.user("alice", password="wrong").call(BOB).response().status, 401)
        self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "INVITE"))

    def test_nobody_calls_as_somebody_else(self):
        self.register(self.bob)
        self.alice.address = "bob@example.com"
        self.assertEqual(self.alice.call(BOB).response().status, 403)

    def test_outside_only_with_the_grant_and_where_calls_may_go(self):
        outside = self.stranger("outside")
        uri = f"sip:outside@127.0.0.1:{outside.port}"
        call = self.alice.call(uri)
        outside.answer(outside.invited())
        self.assertEqual(call.response().status, 200)
        call.bye()
        outside.expect_bye()
        self.assertEqual(self.bob.call(uri).response().status, 403)
        self.assertEqual(self.alice.call(f"sip:premium@127.0.0.1:{outside.port}").response().status, 403)
        self.assertEqual(self.alice.call("sip:somebody@192.0.2.1").response().status, 403)
        self.assertEqual(self.alice.call("tel:+4930123456").response().status, 403)
        self.assertTrue(outside.hears_nothing(lambda m: m.method == "INVITE"))

    def test_a_users_own_limits_hold_for_the_telephone_too(self):
        self.register(self.bob)
        outside = self.stranger("outside")
        uri = f"sip:outside@127.0.0.1:{outside.port}"

        def refused(*limit, remove):
            self.command("user", "limit", "alice", *limit)
            time.sleep(0.3)  # the server hears of it soon
            statuses = {self.alice.call(uri).response().status, self.alice.call(BOB).response().status}
            self.command("user", "limit", "alice", *remove, "--remove")
            return statuses
        self.assertEqual(refused("calls-at-once", "0", remove=["calls-at-once"]), {403})
        for name, prefix in (("call-deny", "sip:"), ("call-allow", "tel:+4930")):
            if name == "call-allow":
                self.bob.register("*", headers=["Expires: 0"])
            self.assertEqual(refused(name, prefix, remove=[name, prefix]), {403} if name == "call-deny" else {403, 480})
        time.sleep(0.3)
        call = self.alice.call(uri)
        outside.answer(outside.invited())
        self.assertEqual(call.response().status, 200)
        call.bye()
        outside.expect_bye()

    def test_an_application_is_no_caller(self):
        robot = SipUser("demo-app@example.com", self.sip, "demo-app")
        self.users.append(robot)
        self.assertEqual(robot.call(BOB).response().status, 403)


class Digests(Calls):
    """Both algorithms, for registrations and for calls."""
    settings = dict(Calls.settings, SIP_DIGEST_SHA256="true")

    def test_each_algorithm_that_is_offered_lets_in(self):
        offered = self.stranger("bob").register("<sip:bob@127.0.0.1:1>").every("WWW-Authenticate")
        self.assertEqual([re.search(r"algorithm=([\w-]+)", each).group(1) for each in offered], ["SHA-256", "MD5"])
        self.assertEqual(len({re.search(r'nonce="(.*?)"', each).group(1) for each in offered}), 2)
        for challenge in offered:
            self.bob.challenge, self.bob.uses = challenge, 0
            self.assertEqual(self.bob.register(self.bob.contact).status, 200)
            self.assertEqual(self.bob.challenge, challenge)  # not challenged again
        wrong = self.user("bob", password="wrong")
        for wrong.challenge in offered:
            self.assertEqual(wrong.register("<sip:bob@127.0.0.1:1>").status, 401)
        call = self.alice.call(BOB)
        self.assertIn("algorithm=SHA-256", self.alice.challenge)
        self.bob.reply(self.bob.invited(), 486)
        self.assertEqual(call.response().status, 486)


class Guessing(Calls):
    """Limits of failed authentications."""
    settings = dict(Calls.settings, AUTH_FAILURES_PER_LOGIN="3", AUTH_FAILURES_PER_ADDRESS="8")

    def test_a_login_first_and_then_a_source_is_shut_out(self):
        def guess(name):
            # Each with a nonce of its own.
            return self.user(name, password="guessed").register("<sip:x@127.0.0.1:1>").status
        self.assertEqual([guess("bob") for _ in range(3)], [401] * 3)
        answer = self.bob.register(self.bob.contact)  # with the right secret
        self.assertEqual(answer.status, 503)
        self.assertRegex(answer["Retry-After"], r"^\d+$")
        self.assertEqual(self.bob.call(BOB).response().status, 503)
        self.register(self.alice)
        logins = [f"nobody{number}" for number in range(8)]
        statuses = [guess(name) for name in logins]
        self.assertIn(503, statuses)
        self.assertNotIn(503, statuses[:3])
        # But not who has worked from there.
        self.register(self.alice)
        self.assertEqual(self.user("demo-app").register("<sip:demo-app@127.0.0.1:1>").status, 503)


class Lies(Calls):
    """Datagrams come in anybody's name."""
    settings = Guessing.settings

    def test_who_has_not_heard_our_challenge_shuts_out_nobody(self):
        liar = self.user("bob", password="guessed")
        liar.challenge = 'Digest realm="ledgerline", nonce="made-up", algorithm=MD5, qop="auth"'
        uri = f"sip:127.0.0.1:{self.sip_port}"
        for number in range(1, 12):
            liar.send(liar.request("REGISTER", uri, number, "liar", f"<{BOB}>", "r", [liar.authorization("REGISTER", uri)]))
            answer = liar.take(lambda m, number=number: m.sequence == (number, "REGISTER"))
            self.assertEqual(answer.status, 401)
        self.register(self.bob)


class TrustedPeers(Calls):
    settings = dict(Calls.settings, SIP_TRUSTED_PEERS="127.0.0.0/8")

    def test_a_peer_brings_calls_to_users_and_to_nobody_else(self):
        self.register(self.bob)
        peer = self.stranger("gateway")
        call = peer.call(BOB, ["P-Asserted-Identity: <tel:+4930123456>"])
        invite = self.bob.invited()
        self.assertIn("tel:+4930123456", invite["From"])
        self.bob.answer(invite)
        self.assertEqual(call.response().status, 200)
        call.bye()
        self.bob.expect_bye()
        self.assertEqual(self.record(BOB), "terminated|hang-up|tel:+4930123456|127.0.0.1|inbound")
        self.rule("immediately", "reject", status=403, kind="block-list", calling="array['tel:+4930123456']")
        for spelling in ("tel:+4930123456;cpc=ordinary", "tel:+49-30-123456", "sip:+4930123456@gateway.example;user=phone",
                         "sip:+49-30-(123456)@gateway.example", "sip:%2B4930123456@gateway.example",
                         "sip:+4930123456;npdi@gateway.example", "sips:+49.30.123456@gateway.example",
                         "sip:004930123456@gateway.example", "sip:4930123456@gateway.example;user=phone"):
            with self.subTest(spelling):
                refused = peer.call(BOB, [f"P-Asserted-Identity: <{spelling}>"])
                self.assertEqual(refused.response().status, 403)
        outside = self.stranger("outside")
        self.assertEqual(peer.call(f"sip:outside@127.0.0.1:{outside.port}").response().status, 403)
        # Trust is for calls only.
        self.assertEqual(peer.register("<sip:bob@127.0.0.1:1>", address="bob@example.com").status, 401)


class Rules(Calls):
    def setUp(self):
        super().setUp()
        self.phone = self.stranger("phone")
        self.elsewhere = f"sip:phone@127.0.0.1:{self.phone.port}"

    def reached(self, call):
        self.phone.answer(self.phone.invited())
        self.assertEqual(call.response().status, 200)
        call.bye()
        self.phone.expect_bye()

    def test_blocked_callers_hear_so_and_the_phone_is_silent(self):
        self.register(self.bob)
        self.rule("immediately", "reject", status=403, kind="block-list", calling="array['sip:al*@example.com']")
        self.assertEqual(self.alice.call(BOB).response().status, 403)
        self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "INVITE"))

    def test_forwarded_at_once(self):
        self.register(self.bob)
        self.rule("immediately", "redirect", self.elsewhere)
        self.reached(self.alice.call(BOB))
        self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "INVITE"))

    def test_forwarded_when_busy(self):
        self.register(self.bob)
        self.rule("busy", "redirect", self.elsewhere)
        for status in (486, 600, 603):
            call = self.alice.call(BOB)
            self.bob.reply(self.bob.invited(), status)
            self.reached(call)

    def test_forwarded_when_nobody_answers(self):
        self.register(self.bob)
        self.rule("no-answer", "redirect", self.elsewhere)
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        self.bob.expect_cancel(invite)
        self.reached(call)

    def test_forwarded_on_error_and_when_nobody_is_registered(self):
        self.rule("error", "redirect", self.elsewhere)
        self.reached(self.alice.call(BOB))
        self.register(self.bob)
        call = self.alice.call(BOB)
        self.bob.reply(self.bob.invited(), 500)
        self.reached(call)

    def test_another_phone_rings_too_after_a_while(self):
        self.register(self.bob)
        self.rule("after", "fork", self.elsewhere, after=0)
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        self.phone.answer(self.phone.invited())
        self.bob.expect_cancel(invite)
        self.assertEqual(call.response().status, 200)
        call.bye()
        self.phone.expect_bye()

    def test_a_forward_to_a_user_obeys_that_users_rules(self):
        self.register(self.alice)
        self.rule("immediately", "redirect", "sip:alice@example.com")
        self.rule("immediately", "redirect", self.elsewhere, whose="alice")
        self.reached(self.alice.call(BOB))

    def test_forwards_in_a_circle_end(self):
        self.rule("immediately", "redirect", "sip:alice@example.com")
        self.rule("immediately", "redirect", BOB, whose="alice")
        self.assertEqual(self.alice.call(BOB).response().status, 483)

    def test_rules_that_are_not_known_are_waited_for_after_100_and_hold_nobody_else(self):
        self.register(self.alice, self.bob)
        other = self.user("alice")

        def call_alice():
            call = other.call("sip:alice@example.com")
            self.alice.reply(self.alice.invited(), 486)
            self.assertEqual(call.response().status, 486)
        call_alice()
        self.rule("immediately", "stop")  # bob's are not known any more, alice's are
        with locked(os.path.join(self.folder, "var"), "lock table rules.rule"):
            call = self.alice.call(BOB)
            self.assertEqual(call.response(lambda status: status == 100).status, 100)
            call_alice()
            self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "INVITE", 0.05))
        self.bob.reply(self.bob.invited(), 486)
        self.assertEqual(call.response().status, 486)

    def test_a_forward_goes_only_where_calls_may_go(self):
        self.rule("immediately", "redirect", f"sip:premium@127.0.0.1:{self.phone.port}")
        self.assertEqual(self.alice.call(BOB).response().status, 403)


class Ends(Calls):
    """What others do with a user's running calls."""
    settings = dict(Calls.settings, SIP_SESSION_EXPIRES="6s", SIP_SESSION_LEAST="2s", SIP_LIVENESS="1s",
                    CALL_LINGER="10s")

    def talk(self, headers=()):
        self.register(self.bob)
        call = self.alice.call(BOB, headers)
        self.bob.answer(self.bob.invited())
        self.assertEqual(call.response().status, 200)
        return call

    def identifier(self):
        return self.until(lambda: self.query("select call_id from calls where direction = 'inbound'"
                                             " and ended_at is null"), "the record")

    def enable(self, on, name="alice"):
        self.command("user", "enable" if on else "disable", name)

    def test_the_operator_ends_a_users_calls(self):
        self.talk()
        self.command("call", "end", "--all", "--user", "bob")  # who made none
        self.command("call", "end", "--all", "--user", "alice")
        self.alice.expect_bye()
        self.bob.expect_bye()
        # One that still rings, too.
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        call.ringing()
        self.command("call", "end", "--all", "--user", "alice@example.com")
        self.bob.expect_cancel(invite)
        self.assertEqual(call.response().status, 503)

    def test_who_only_reads_ends_nobodys_calls(self):
        call = self.talk()
        self.command("psql", "--", "-c", "select pg_notify('calls_end', 'alice@example.com')")
        self.server.wait_for("no operator did that")
        self.assertEqual(call.bye().status, 200)
        self.bob.expect_bye()

    def test_a_user_who_is_disabled_talks_no_more(self):
        self.talk()
        self.addCleanup(self.enable, True)
        self.enable(False)
        self.alice.expect_bye()
        self.bob.expect_bye()
        self.until(lambda: self.alice.call(BOB).response().status == 401, "the refusal")

    def test_a_user_who_is_disabled_is_not_called_either(self):
        call = self.talk()
        self.addCleanup(self.enable, True, "bob")
        self.rule("error", "redirect", "sip:alice@example.com")
        self.enable(False, "bob")
        self.alice.expect_bye()
        self.bob.expect_bye()
        refused = self.alice.call(BOB).response()
        self.assertEqual((refused.status, refused.first), (480, "SIP/2.0 480 Not In Service"))
        self.assertEqual(self.bob.register(self.bob.contact).status, 401)
        third = self.v2.makeCall(callingParty="tel:+15550002", calledParty="sip:alice@example.com")
        self.assertEqual(self.until_status(third, "CallTerminated").terminationCause, "CallingPartyNotReachable")
        self.owner("delete from rules.rule")
        self.enable(True, "bob")
        # Nobody has a way to the telephones of then, until they register again.
        self.until(lambda: self.alice.call(BOB).response().first.endswith("Temporarily Unavailable"), "the old answer")
        self.register(self.bob)
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        call.ringing()
        self.enable(False, "bob")
        self.bob.expect_cancel(invite)
        self.assertEqual(call.response().status, 480)

    def test_whose_last_address_is_taken_away_is_called_no_more(self):
        self.register(self.bob)
        for address in ("tel:+15550002", BOB):
            self.addCleanup(self.command, "user", "address", "bob", address)
            call = self.alice.call(BOB)
            self.bob.answer(self.bob.invited())
            self.assertEqual(call.response().status, 200)
            call.bye()
            self.bob.expect_bye()
            self.command("user", "address", "bob", address, "--remove")
        self.heard("delete from rules.rule where false")
        self.assertEqual(self.alice.call(BOB).response().status, 480)
        with self.assertRaises(AssertionError):
            self.bob.invited(seconds=0.5)

    def test_who_is_disabled_leaves_calls_of_others(self):
        self.register(self.bob)
        second = self.stranger("second")
        self.v2.makeCall(callingParty=f"sip:second@127.0.0.1:{second.port}", calledParty="tel:+15550002")
        second.answer(second.invited())
        invite = self.bob.invited()
        self.bob.reply(invite, 180)
        self.addCleanup(self.enable, True, "bob")
        self.enable(False, "bob")
        self.bob.expect_cancel(invite)
        second.expect_bye()

    def trace(self, user, call):
        answer = requests.get(f"{self.url}/ParlayX/calls/{call}", auth=(user, user), timeout=30)
        return answer.text if answer.status_code == 200 else answer.status_code

    def test_a_call_is_traced(self):
        call = self.talk()
        identifier = self.identifier()
        running = self.trace("alice", identifier)
        self.assertIn("party 1: sip:alice@example.com", running)
        for line in (r"<- 1  INVITE sip:bob@example\.com", r"-> 2  INVITE sip:bob@127\.0\.0\.1:\d+.* with a body",
                     r"<- 2  200 OK \(INVITE\) with a body", r"-> 1  200 with a body", r"<- 1  ACK"):
            self.assertRegex(running, line)
        call.bye()
        self.bob.expect_bye()
        self.until(lambda: "BYE" in str(self.trace("admin", identifier)), "the whole trace")
        self.assertIn("BYE", self.command("call", "trace", identifier, "--user", "alice", "--password-file",
                                          self.password_file("alice")))
        # Nobody else's; and some time after the end nobody's.
        self.assertEqual([self.trace(user, identifier) for user in ("bob", "demo-app")], [404] * 2)
        self.until(lambda: self.trace("alice", identifier) == 404, "the end of its linger")

    def password_file(self, name):
        path = os.path.join(self.folder, "password-" + name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(name + "\n")
        return path

    def test_the_callers_session_timer(self):
        call = self.talk(["Session-Expires: 4;refresher=uac", "Supported: timer"])
        self.assertEqual(call.answered["Session-Expires"], "4;refresher=uac")
        self.assertEqual(call.answered["Require"], "timer")
        refreshed = call.ask("UPDATE", ["Session-Expires: 4;refresher=uac", "Supported: timer"])
        self.assertEqual((refreshed.status, refreshed["Session-Expires"]), (200, "4;refresher=uac"))
        # It does so no more: the call is over in time, for the other side, too.
        self.answer_probes()
        self.assertTrue(self.record(BOB).startswith("terminated|aborted|"))

    def test_a_caller_whose_timer_is_too_short_is_told_the_least(self):
        self.register(self.bob)
        refused = self.alice.call(BOB, ["Session-Expires: 1", "Supported: timer"]).response()
        self.assertEqual((refused.status, refused["Min-SE"]), (422, "2"))
        self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "INVITE"))

    def test_the_server_refreshes_where_the_caller_does_not(self):
        call = self.talk(["Session-Expires: 4;refresher=uas", "Supported: timer", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"])
        self.assertEqual(call.answered["Session-Expires"], "4;refresher=uas")
        for _ in range(2):
            update = self.alice.take(lambda m: m.method == "UPDATE")
            self.assertIn("refresher=uac", update["Session-Expires"])
            self.alice.reply(update, 200, "OK", headers=["Session-Expires: 4;refresher=uac", "Require: timer"])
        call.bye()
        self.bob.expect_bye()

    def answer_probes(self):
        """Bob's telephone gives its signs of life until it hears of the end; the caller is silent."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            request = self.bob.take(lambda m: m.method in ("OPTIONS", "UPDATE", "BYE"))
            self.bob.reply(request, 200, "OK")
            if request.method == "BYE":
                self.alice.expect_bye()
                return
        raise AssertionError("the call did not end")


if __name__ == "__main__":
    unittest.main(verbosity=2)
