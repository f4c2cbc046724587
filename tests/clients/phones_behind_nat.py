#!/usr/bin/python3
"""Telephones on TCP that nobody can connect to, as behind NAT: all of a call goes over the connection that they made.

    phones_behind_nat.py LEDGERLINE
"""
import contextlib
import socket
import time
import unittest

from inbound_calls import BOB, Calls
from sip_user import SDP, SipUser

LOOK_SECONDS = 5  # so often who rings is looked at


class HiddenPhone(SipUser):
    """Its contact is an address that it has on its own side only."""
    inside = "127.0.0.1:9"  # nobody listens there

    def __init__(self, name, server):
        super().__init__(f"{name}@example.com", server, name, "tcp")

    @property
    def contact(self):
        return f"<sip:{self.login}@{self.inside};transport=tcp>"

    def connect_again(self):
        self.socket.close()
        self.socket = socket.create_connection(self.server)
        self.port = self.socket.getsockname()[1]
        self.buffer = b""


class PhonesBehindNat(Calls):
    settings = dict(Calls.settings, CALL_NO_ANSWER="20s", SIP_LIVENESS="1s")

    def hidden(self, name):
        phone = HiddenPhone(name, self.sip)
        self.users.append(phone)
        return phone

    def connect(self, caller, callee):
        call = caller.call(BOB)
        invite = callee.invited()
        callee.answer(invite)
        self.assertEqual(call.response().status, 200)
        return call, invite

    def hang_up(self, phone, invite):
        """By who was called."""
        target = invite["Contact"].strip("<>")
        phone.send(phone.request("BYE", target, 9, invite["Call-ID"], invite["From"], "callee"))

    def holds_and_hangs_up(self, call, phone, invite):
        """By who called: both reach the telephone."""
        call.sequence += 1
        self.alice.send(self.alice.request("INVITE", call.target, call.sequence, call.id, call.to, call.tag,
                                           body=SDP.format(port=self.alice.port) + "a=sendonly\r\n"))
        phone.answer(phone.take(lambda m: m.method == "INVITE" and m["Call-ID"] == invite["Call-ID"]))
        self.assertEqual(call.response().status, 200)
        self.assertEqual(call.bye().status, 200)
        phone.expect_bye()

    def test_one_is_called(self):
        phone = self.hidden("bob")
        self.register(phone)
        call, invite = self.connect(self.alice, phone)
        # It is asked whether it is still there, and what the other one asks of it.
        phone.reply(phone.take(lambda m: m.method == "OPTIONS"), 200)
        self.holds_and_hangs_up(call, phone, invite)

    def test_one_calls(self):
        self.register(self.bob)
        phone = self.hidden("alice")
        _, invite = self.connect(phone, self.bob)
        phone.reply(phone.take(lambda m: m.method == "OPTIONS"), 200)
        self.hang_up(self.bob, invite)
        phone.expect_bye()

    def test_an_application_calls_one(self):
        phone, second = self.hidden("bob"), self.stranger("second")
        self.register(phone)
        call = self.v2.makeCall(callingParty=BOB, calledParty=f"sip:second@127.0.0.1:{second.port}")
        first = phone.invited()
        phone.answer(first)
        second.reply(second.invited(), 200, "OK", SDP.format(port=second.port))
        phone.answer(phone.take(lambda m: m.method == "INVITE" and m["Call-ID"] == first["Call-ID"]))
        self.until_status(call, "CallConnected")
        self.v2.endCall(callIdentifier=call)
        phone.expect_bye()
        second.expect_bye()

    def test_one_comes_back_by_another_connection(self):
        self.register(self.bob)
        phone = self.hidden("alice")
        call, invite = self.connect(phone, self.bob)
        phone.connect_again()
        call.sequence += 1
        phone.send(phone.request("INVITE", call.target, call.sequence, call.id, call.to, call.tag,
                                 body=SDP.format(port=phone.port)))
        self.bob.answer(self.bob.take(lambda m: m.method == "INVITE" and m["Call-ID"] == invite["Call-ID"]))
        self.assertEqual(call.response().status, 200)
        self.hang_up(self.bob, invite)
        phone.expect_bye()

    def test_one_registers_again_by_another_connection(self):
        """With the same contact, or as the same client with another one; the old connection may look open."""
        for inside in (HiddenPhone.inside, "127.0.0.1:10"):
            with self.subTest(inside=inside), contextlib.ExitStack() as old:
                phone = self.hidden("bob")
                self.register(phone)
                call, invite = self.connect(self.alice, phone)
                old.enter_context(phone.socket.dup())
                phone.connect_again()
                phone.inside = inside
                self.register(phone)
                self.holds_and_hangs_up(call, phone, invite)
                self.assertEqual(phone.register(phone.contact + ";expires=0").status, 200)

    def test_one_that_called_registers_again_by_another_connection(self):
        self.register(self.bob)
        phone = self.hidden("alice")
        self.register(phone)
        _, invite = self.connect(phone, self.bob)
        phone.connect_again()
        self.register(phone)
        self.hang_up(self.bob, invite)
        phone.expect_bye()

    def test_one_that_rings_comes_back(self):
        phone = self.hidden("bob")
        for answers in (True, False):
            with self.subTest(answers=answers):
                self.register(phone)
                call = self.alice.call(BOB)
                invite = phone.invited()
                phone.reply(invite, 180)
                call.ringing()
                phone.connect_again()
                self.register(phone)
                if answers:
                    time.sleep(2 * LOOK_SECONDS)  # it is not taken for gone
                    phone.answer(invite)
                    self.assertEqual(call.response().status, 200)
                    self.assertEqual(call.bye().status, 200)
                    phone.expect_bye()
                else:
                    self.assertEqual(call.cancel().status, 487)
                    cancel = phone.take(lambda m: m.method == "CANCEL" and m["Call-ID"] == invite["Call-ID"])
                    phone.reply(cancel, 200, "OK")
                    phone.reply(invite, 487)

    def test_one_that_rings_and_does_not_come_back_is_not_waited_for(self):
        phone = self.hidden("bob")
        self.register(phone)
        call = self.alice.call(BOB)
        invite = phone.invited()
        phone.reply(invite, 180)
        call.ringing()
        phone.connect_again()
        self.assertEqual(call.response(seconds=3 * LOOK_SECONDS).status, 503)
        self.assertEqual(self.record(BOB).split("|")[:2], ["terminated", "not-reachable"])
        # Back late, it has nobody to talk to.
        self.register(phone)
        phone.answer(invite)
        phone.expect_bye()

    def test_one_that_does_not_come_back_is_lost(self):
        phone = self.hidden("bob")
        self.register(phone)
        call, _ = self.connect(self.alice, phone)
        phone.close()
        self.alice.expect_bye(30)
        self.assertEqual(self.record(BOB).split("|")[:2], ["terminated", "aborted"])
        self.assertEqual(call.bye().status, 481)

    def test_one_that_can_be_connected_to_is(self):
        phone = self.hidden("bob")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            phone.inside = "127.0.0.1:" + str(listener.getsockname()[1])
            self.register(phone)
            call, _ = self.connect(self.alice, phone)
            phone.socket.close()
            listener.settimeout(10)
            phone.socket, _ = listener.accept()  # asks whether it is there
            phone.reply(phone.take(lambda m: m.method == "OPTIONS"), 200)
            self.assertEqual(call.bye().status, 200)
            phone.expect_bye()


if __name__ == "__main__":
    unittest.main()
