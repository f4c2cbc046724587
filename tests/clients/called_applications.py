#!/usr/bin/python3
"""Calls from outside, about which applications are asked and told over SOAP.

    called_applications.py LEDGERLINE [CalledApplications | Troubles | FromPeers]
"""
import functools
import os
import socket
import threading
import time
import unittest

import requests
import zeep
from zeep.transports import Transport

from application_endpoint import ApplicationEndpoint
from inbound_calls import BOB, Calls
from server import locked
from sip_user import SipUser

ASK, TELL = "CallDirection", "Call"
MANAGERS = {ASK: "CallDirectionManager", TELL: "CallNotificationManager"}
CALLER = "sip:alice@example.com"


class ApplicationCalls(Calls):
    """There is an application, and a telephone that is nobody's."""
    settings = dict(Calls.settings, NOTIFICATIONS_ASK_TIMEOUT="1s", NOTIFICATIONS_BREAKER_FAILURES="100")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sessions = []

    @classmethod
    def tearDownClass(cls):
        for session in cls.sessions:
            session.close()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        self.application = ApplicationEndpoint(self.url)
        self.listening = True
        self.addCleanup(self.end_application)
        self.phone = self.stranger("phone")
        self.elsewhere = f"sip:phone@127.0.0.1:{self.phone.port}"

    def end_application(self):
        if self.listening:
            self.application.stop()
        self.assertEqual(self.application.errors, [])

    @classmethod
    @functools.cache
    def service(cls, manager, version, user):
        session = requests.Session()
        session.auth = (user, user)
        session.trust_env = False
        cls.sessions.append(session)
        return zeep.Client(f"{cls.url}/ParlayX/{version}/{MANAGERS[manager]}?wsdl", settings=zeep.Settings(strict=True),
                           transport=Transport(session=session, timeout=60, operation_timeout=60)).service

    def start(self, manager, *criteria, version="v3_1", user="demo-app", address=BOB, correlator="c-1"):
        service = self.service(manager, version, user)
        service[f"start{manager}Notification"](
            reference={"endpoint": self.application.url, "interfaceName": manager, "correlator": correlator},
            addresses=[address], criteria=list(criteria))
        self.addCleanup(self.stop, manager, version, user, correlator)
        self.rules_heard()

    def stop(self, manager, version="v3_1", user="demo-app", correlator="c-1"):
        try:
            self.service(manager, version, user)[f"stop{manager}Notification"](correlator=correlator)
        except zeep.exceptions.Fault as fault:
            self.assertIn("SVC0002", fault.message)

    def rules_heard(self):
        self.heard("delete from rules.rule where false")

    def answers(self, verb, *addresses, **more):
        self.application.answer = lambda event: {"actionToPerform": verb, "routingAddress": list(addresses), **more}

    def connected(self, call, phone):
        phone.answer(phone.invited())
        self.assertEqual(call.response().status, 200)

    def ended(self, call, phone):
        call.bye()
        phone.expect_bye()

    def check(self, event, operation, version="v3_2", correlator="c-1"):
        party = "Party" if version.startswith("v2") else "Participant"
        self.assertEqual((event.operation, event.version), (operation, version))
        self.assertEqual([event.arguments[name] for name in ("correlator", "calling" + party, "called" + party)],
                         [correlator, CALLER, BOB])


class RawApplication:
    """Answers each request with these bytes and pauses, whatever it says; then it closes the connection."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.over = threading.Event()
        self.requests = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.respond, args=(connection,), daemon=True).start()

    def respond(self, connection):
        with connection:
            text = b""
            while b"Envelope>" not in text:
                data = connection.recv(65536)
                if not data:
                    return
                text += data
            self.requests += 1
            for piece in self.answer:
                try:
                    if isinstance(piece, bytes):
                        connection.sendall(piece)
                    elif self.over.wait(piece):
                        return
                except OSError:
                    return

    def stop(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def http_response(body, status="200 OK", headers=""):
    body = body.encode()
    return [f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body]


def soap_answer(inner, operation="handleCalledNumberResponse", before="", version="v3_2"):
    return http_response(f'{before}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><d:{operation} '
                         f'xmlns:d="http://www.csapi.org/schema/parlayx/call_direction/{version}/local">{inner}'
                         f'</d:{operation}></s:Body></s:Envelope>')


ROUTE = "<d:result><actionToPerform>Route</actionToPerform><routingAddress>{}</routingAddress></d:result>"
ASK_SECONDS, SILENCE = 3, 60

def nonsense(phone):
    """What an application may do to us by its answer to handleCalledNumber; none of it leads to this telephone."""
    return {
        "closes at once": [], "is no HTTP": [b"\x00\xff" * 500], "half an answer": [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<"],
        "nothing": http_response(""), "a web page": http_response("<html><body>welcome</body></html>"),
        "an error page": http_response("no", "500 Internal Server Error"), "not found": http_response("", "404 Not Found"),
        "a redirect": http_response("", "302 Found", "Location: http://127.0.0.1:9/\r\n"),
        "a password, please": http_response("", "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n"),
        "too much": [b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 90000000\r\n\r\n", b" " * 5_000_000],
        "endless headers": [b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 2_000_000],
        "entities": soap_answer(ROUTE.format("&a;"), before='<!DOCTYPE x [<!ENTITY a "sip:x@example.com">]>'),
        "no result": soap_answer(""), "another operation": soap_answer(ROUTE.format(phone), "handleBusyResponse"),
        "another edition": soap_answer(ROUTE.format(phone), version="v2_2"),
        "another's correlator": soap_answer("<d:correlator>c-2</d:correlator>" + ROUTE.format(phone)),
        "an unknown action": soap_answer("<d:result><actionToPerform>Explode</actionToPerform></d:result>"),
        "a route to nowhere": soap_answer("<d:result><actionToPerform>Route</actionToPerform></d:result>"),
        "a route to nothing": soap_answer(ROUTE.format("nowhere")), "a route with a header": soap_answer(ROUTE.format("sip:a@b?X=y")),
        "a fork to nobody": soap_answer("<d:result><actionToPerform>Fork</actionToPerform></d:result>"),
    }


SLOW = {
    "says nothing": [SILENCE],
    "drips": [b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n"] + [b" ", 0.1] * 600,
    "drips headers": [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n", 0.1] * 600,
    "stops halfway": [b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<s:Envelope", SILENCE],
}


class Troubles(ApplicationCalls):
    """Applications that can't be relied on: every call goes on, in a bounded time."""
    settings = dict(ApplicationCalls.settings, NOTIFICATIONS_ASK_TIMEOUT=f"{ASK_SECONDS}s")

    def time_to_bob(self, url):
        """A call while the application there is asked: seconds until bob's telephone rings."""
        self.service(ASK, "v3_1", "demo-app").startCallDirectionNotification(
            reference={"endpoint": url, "interfaceName": ASK, "correlator": "c-1"}, addresses=[BOB],
            criteria=["CalledNumber"])
        self.addCleanup(self.stop, ASK)
        self.rules_heard()
        since = time.monotonic()
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        took = time.monotonic() - since
        self.bob.answer(invite)
        self.assertEqual(call.response().status, 200)
        self.ended(call, self.bob)
        self.stop(ASK)
        return took

    def asked(self, answer):
        raw = RawApplication(answer)
        took = self.time_to_bob(raw.url)
        self.assertEqual(raw.requests, 1)
        raw.stop()
        return took

    def test_nonsense_is_no_answer_and_costs_no_time(self):
        self.register(self.bob)
        for name, answer in nonsense(self.elsewhere).items():
            with self.subTest(name):
                self.assertLess(self.asked(answer), ASK_SECONDS)
        self.assertTrue(self.phone.hears_nothing(lambda m: m.method == "INVITE", 0.05))

    def test_slow_ones_are_waited_for_and_no_longer(self):
        self.register(self.bob)
        for name, answer in SLOW.items():
            with self.subTest(name):
                took = self.asked(answer)
                self.assertGreater(took, ASK_SECONDS - 0.5)
                self.assertLess(took, ASK_SECONDS + 2)

    def test_one_that_is_down_costs_no_time(self):
        self.register(self.bob)
        self.application.close_port()
        self.listening = False
        self.assertLess(self.time_to_bob(self.application.url), ASK_SECONDS)

    def test_telling_never_holds_a_call(self):
        self.register(self.bob)
        raw = RawApplication([SILENCE])
        self.service(TELL, "v3_1", "demo-app").startCallNotification(
            reference={"endpoint": raw.url, "interfaceName": TELL, "correlator": "c-1"}, addresses=[BOB])
        self.addCleanup(self.stop, TELL)
        self.rules_heard()
        since = time.monotonic()
        call = self.alice.call(BOB)
        self.connected(call, self.bob)
        self.assertLess(time.monotonic() - since, ASK_SECONDS)
        self.ended(call, self.bob)
        raw.stop()


class CalledApplications(ApplicationCalls):
    def test_a_called_number_is_routed(self):
        self.register(self.bob)
        self.answers("Route", self.elsewhere)
        for version, told in (("v2_2", "v2_2"), ("v3_1", "v3_2")):
            self.start(ASK, "CalledNumber", version=version)
            call = self.alice.call(BOB)
            self.connected(call, self.phone)
            self.check(self.application.events[-1], "handleCalledNumber", told)
            self.ended(call, self.phone)
            self.stop(ASK, version)
        self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "INVITE"))

    def test_a_called_number_is_refused(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        self.answers("EndCall")
        self.assertEqual(self.alice.call(BOB).response().status, 603)
        self.assertTrue(self.bob.hears_nothing(lambda m: m.method == "INVITE"))

    def test_a_called_number_forks(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        other = self.stranger("other")
        self.answers("Fork", self.elsewhere, f"sip:other@127.0.0.1:{other.port}")
        call = self.alice.call(BOB)
        invites = [(phone, phone.invited()) for phone in (self.bob, self.phone)]
        for phone, invite in invites:
            phone.reply(invite, 180)
        other.answer(other.invited())
        self.assertEqual(call.response().status, 200)
        for phone, invite in invites:
            phone.expect_cancel(invite)
        self.ended(call, other)

    def test_failures_are_routed(self):
        self.start(ASK, "Busy", "NoAnswer", "NotReachable")
        self.answers("Route", self.elsewhere)
        for operation in ("handleNotReachable", "handleBusy", "handleNoAnswer"):
            call = self.alice.call(BOB)
            if operation != "handleNotReachable":
                invite = self.bob.invited()
                self.bob.reply(invite, 486 if operation == "handleBusy" else 180)
            if operation == "handleNoAnswer":
                self.bob.expect_cancel(invite)
            self.connected(call, self.phone)
            self.check(self.application.events[-1], operation)
            self.ended(call, self.phone)
            self.register(self.bob)

    def test_events_are_told(self):
        kinds = ("Busy", "NotReachable", "NoAnswer", "CalledNumber", "Answer")
        for version, told in (("v2_2", "v2_2"), ("v3_1", "v3_2"), ("v3_8", "v3_8")):
            self.start(TELL, *kinds, version=version, correlator=version)
            self.assertEqual(self.bob.register("*", headers=["Expires: 0"]).status, 200)
            self.application.events.clear()
            self.assertEqual(self.alice.call(BOB).response().status, 480)
            self.register(self.bob)
            call = self.alice.call(BOB)
            self.bob.reply(self.bob.invited(), 486)
            self.assertEqual(call.response().status, 486)
            call = self.alice.call(BOB)
            self.connected(call, self.bob)
            self.ended(call, self.bob)
            call = self.alice.call(BOB)
            invite = self.bob.invited()
            self.bob.reply(invite, 180)
            self.bob.expect_cancel(invite)
            self.assertEqual(call.response().status, 480)
            events = self.application.wait_for(8)
            self.assertEqual(sorted(event.operation for event in events),
                             sorted(["notifyCalledNumber"] * 4 + ["notify" + kind for kind in kinds if kind != "CalledNumber"]))
            for event in events:
                self.check(event, event.operation, told, version)
            self.stop(TELL, version, correlator=version)

    def test_calls_by_an_address_are_told(self):
        """Of alice's calls, whatever is called; not of calls to her."""
        service = self.service(TELL, "v3_8", "demo-app")
        service.startCallNotification(
            reference={"endpoint": self.application.url, "interfaceName": TELL, "correlator": "c-1"}, addresses=[CALLER],
            criteria=["Busy", "NotReachable", "CalledNumber", "Answer", "Disconnected"], addressDirection="Calling")
        self.addCleanup(self.stop, TELL, "v3_8")
        self.rules_heard()
        self.register(self.alice, self.bob)
        call = self.bob.call(CALLER)
        self.alice.reply(self.alice.invited(), 486)
        self.assertEqual(call.response().status, 486)
        call = self.alice.call(BOB)
        self.bob.reply(self.bob.invited(), 486)
        self.assertEqual(call.response().status, 486)
        call = self.alice.call(BOB)
        self.connected(call, self.bob)
        self.ended(call, self.bob)
        events = self.application.wait_for(5)
        self.assertEqual(sorted(event.operation for event in events),
                         ["notifyAnswer", "notifyBusy", "notifyCallEvent", "notifyCalledNumber", "notifyCalledNumber"])
        for event in events:
            self.check(event, event.operation, "v3_8")
        self.application.events.clear()
        for uri, called in ((self.elsewhere, self.elsewhere), ("sip:nobody@example.com", "sip:nobody@example.com")):
            call = self.alice.call(uri)
            if called == self.elsewhere:
                self.phone.reply(self.phone.invited(), 486)
            call.response()
        events = self.application.wait_for(4)
        self.assertEqual(sorted((event.operation, event.arguments["calledParticipant"]) for event in events),
                         sorted([("notifyCalledNumber", self.elsewhere), ("notifyBusy", self.elsewhere),
                                 ("notifyCalledNumber", "sip:nobody@example.com"),
                                 ("notifyNotReachable", "sip:nobody@example.com")]))

    def test_without_a_usable_answer_the_call_goes_on(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        def down():
            self.application.close_port()
            self.listening = False
        for trouble in (lambda: None,  # Continue
                        lambda: setattr(self.application, "raw", (200, b"no SOAP at all")),
                        lambda: setattr(self.application, "raw", (500, b"")),
                        lambda: setattr(self.application, "delay", 3), down):
            trouble()
            call = self.alice.call(BOB)
            self.connected(call, self.bob)
            self.ended(call, self.bob)
        self.assertEqual(len(self.application.events), 4)

    def test_what_an_action_charges_is_captured(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        self.answers("Continue", charging={"description": "advice", "currency": "EUR", "amount": "0.50"})
        call = self.alice.call(BOB)
        self.connected(call, self.bob)
        self.ended(call, self.bob)
        charged = "select c.charge, c.unit from calls c join journal j using (hold_id) where j.amount = -0.50 limit 1"
        self.assertEqual(self.until(lambda: self.query(charged), "the charge"), "0.50|EUR")

    def test_an_action_charges_nobody_beyond_the_limits_of_its_application(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        self.answers("Continue", charging={"description": "advice", "currency": "EUR", "amount": "0.30"})
        before = self.held("tel:+15550001")
        for prefix, status in (("tel:+15550002", 403), ("tel:+15550001", 200)):
            self.command("user", "limit", "demo-app", "address-prefix", prefix)
            self.addCleanup(self.command, "user", "limit", "demo-app", "address-prefix", prefix, "--remove")
            self.rules_heard()
            call = self.alice.call(BOB)
            if status == 200:
                self.connected(call, self.bob)
                self.ended(call, self.bob)
            else:
                self.assertEqual(call.response().status, status)
                self.assertEqual(self.held("tel:+15550001"), before)
        charged = "select count(*) from journal where address = 'tel:+15550001' and amount = -0.30"
        self.until(lambda: self.query(charged) == "1", "the charge")

    def test_an_action_calls_nobody_beyond_the_limits_of_its_application(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        other = self.stranger("other")
        for limit, item, verb, addresses, rings in (  # the last one answers
                ("call-deny", "sip:phone@", "Route", [self.elsewhere], [self.bob]),
                ("call-deny", "sip:phone@", "Route", [self.elsewhere.replace("phone", "%70hone")], [self.bob]),
                ("call-deny", "sip:phone@", "Fork", [self.elsewhere, f"sip:other@127.0.0.1:{other.port}"],
                 [self.bob, other]),
                ("call-allow", "tel:+4940", "Route", [self.elsewhere], [self.bob]),
                ("call-allow", "sip:phone@", "Route", [self.elsewhere], [self.phone])):
            with self.subTest(limit=limit, verb=verb):
                self.command("user", "limit", "demo-app", limit, item)
                self.rules_heard()
                self.answers(verb, *addresses)
                call = self.alice.call(BOB)
                invites = [(phone, phone.invited()) for phone in rings]
                for phone, invite in invites:
                    phone.reply(invite, 180)
                if self.phone not in rings:
                    self.assertTrue(self.phone.hears_nothing(lambda m: m.method == "INVITE"))
                *others, (reached, invite) = invites
                reached.answer(invite)
                self.assertEqual(call.response().status, 200)
                for phone, invite in others:
                    phone.expect_cancel(invite)
                self.ended(call, reached)
                self.command("user", "limit", "demo-app", limit, item, "--remove")

    def test_who_may_not_start_it_any_more_is_asked_and_told_nothing(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        self.start(TELL, "CalledNumber", correlator="t-1")
        self.answers("EndCall")
        for command, status in (("revoke", 200), ("grant", 603)):
            self.command("user", command, "demo-app", "rules.change", "example.com")
            self.rules_heard()
            call = self.alice.call(BOB)
            if status == 200:
                self.connected(call, self.bob)
                self.ended(call, self.bob)
                self.assertEqual(self.application.events, [])
            else:
                self.assertEqual(call.response().status, status)
        self.assertEqual(sorted(event.operation for event in self.application.wait_for(2)),
                         ["handleCalledNumber", "notifyCalledNumber"])

    def test_whose_address_is_another_ones_is_asked_and_told_nothing(self):
        self.command("account", "set", BOB, "rules_by_user", "on")
        self.addCleanup(self.command, "account", "set", BOB, "rules_by_user", "off")
        self.addCleanup(self.command, "user", "address", "bob", BOB)
        self.register(self.bob)
        self.start(ASK, "CalledNumber", user="bob")
        self.start(TELL, "CalledNumber", user="bob", correlator="t-1")
        self.answers("EndCall")
        for remove, status in ((["--remove"], 200), ([], 603)):
            self.command("user", "address", "bob", BOB, *remove)
            self.rules_heard()
            call = self.alice.call(BOB)
            if status == 200:
                self.connected(call, self.bob)
                self.ended(call, self.bob)
                self.assertEqual(self.application.events, [])
            else:
                self.assertEqual(call.response().status, status)
        self.assertEqual(sorted(event.operation for event in self.application.wait_for(2)),
                         ["handleCalledNumber", "notifyCalledNumber"])

    def test_what_is_held_too_late_is_charged_to_nobody(self):
        """Asked when nobody answers, it wants an amount; the phone rings on, and is answered before that is held."""
        self.register(self.bob)
        self.start(ASK, "NoAnswer")
        self.answers("Continue", charging={"description": "advice", "currency": "EUR", "amount": "0.70"})
        before = self.held("tel:+15550001")
        with locked(os.path.join(self.folder, "var"), "lock table ledger.hold in exclusive mode"):
            call = self.alice.call(BOB)
            invite = self.bob.invited()
            self.bob.reply(invite, 180)
            waits = "select count(*) > 0 from pg_locks where not granted and relation = 'ledger.hold'::regclass"
            self.until(lambda: self.owner(waits) == "t", "the amount that waits")
            self.bob.answer(invite)
            self.assertEqual(call.response().status, 200)
        released = "select count(*) from ledger.hold where amount = 70 and state <> 'open'"
        self.until(lambda: self.owner(released) == "1", "the release")
        self.ended(call, self.bob)
        last = "select settled, hold is null from ledger.call where ended_at is not null order by created_at desc limit 1"
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the end")
        self.assertEqual((self.owner(last), self.held("tel:+15550001")), ("t|t", before))

    def test_stopped_while_a_call_rings(self):
        self.register(self.bob)
        self.start(ASK, "Busy")
        self.answers("Route", self.elsewhere)
        call = self.alice.call(BOB)
        invite = self.bob.invited()
        self.stop(ASK)
        self.rules_heard()
        self.bob.reply(invite, 486)
        self.assertEqual(call.response().status, 486)
        self.assertEqual(self.application.events, [])


class FromPeers(ApplicationCalls):
    """Calls that a peer brings."""
    settings = dict(ApplicationCalls.settings, SIP_TRUSTED_PEERS="127.0.0.0/8")

    def test_who_pays_is_who_the_peer_says_and_not_who_the_caller_does(self):
        self.register(self.bob)
        self.start(ASK, "CalledNumber")
        self.answers("Continue", charging={"description": "advice", "currency": "EUR", "amount": "0.50"})
        before = self.held("tel:+15550001")
        caller = SipUser("alice@example.com", self.sip)  # as the peer hands its INVITE on
        self.users.append(caller)
        for headers in ([], ["P-Asserted-Identity: <sip:stranger@outside.example>"]):
            self.assertEqual(caller.call(BOB, headers).response().status, 403)
        self.assertEqual(self.held("tel:+15550001"), before)
        charged = "select -sum(amount) from journal where amount < 0 and address = 'tel:+15550001'"
        for said, amount in (("tel:+15550001", "0.50"), ("sip:+15550001@gateway.example;user=phone", "1.00")):
            call = caller.call(BOB, [f"P-Asserted-Identity: <{said}>"])
            self.connected(call, self.bob)
            self.ended(call, self.bob)
            self.until(lambda: self.query(charged) == amount, f"the charge of {said}")

    def test_who_watches_a_caller_is_told_whatever_a_peer_calls_it(self):
        self.register(self.bob)
        service = self.service(TELL, "v3_8", "demo-app")
        service.startCallNotification(
            reference={"endpoint": self.application.url, "interfaceName": TELL, "correlator": "c-1"},
            addresses=["tel:+15550001"], criteria=["CalledNumber"], addressDirection="Calling")
        self.addCleanup(self.stop, TELL, "v3_8")
        self.rules_heard()
        for said in ("tel:+15550001", "sip:+15550001@gateway.example", "sip:0015550001@gateway.example"):
            call = self.stranger("gateway").call(BOB, [f"P-Asserted-Identity: <{said}>"])
            self.connected(call, self.bob)
            self.ended(call, self.bob)
        self.assertEqual([event.operation for event in self.application.wait_for(3)], ["notifyCalledNumber"] * 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
