#!/usr/bin/python3
"""Two servers on one database: calls for telephones that registered at the other one, also over its connections.

    call_nodes.py LEDGERLINE
"""
import os
import unittest

import requests

from inbound_calls import BOB, Calls
from phones import RegisteredPhone
from server import Server, server_info
from sip_peers import free_port
from sip_user import SipUser


class CallNodes(Calls):
    settings = dict(Calls.settings, CALL_NO_ANSWER="10s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        first, second = os.path.join(cls.folder, "var"), os.path.join(cls.folder, "other")
        settings = {"LOG_LEVEL": "warning", "MEDIA_BRIDGE": "off", **cls.settings,
                    "AUTH_KEY_FILE": os.path.join(first, "secret.key")}
        environment = {**os.environ, **{"LEDGERLINE_" + name: value for name, value in settings.items()}}
        socket = os.path.realpath(os.path.join(first, "socket"))
        cls.other_port = free_port()
        cls.other = Server([cls.ledgerline, "serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir", second,
                            "--sip-listen", f"127.0.0.1:{cls.other_port}", "--database",
                            f"postgresql://postgres@/ledgerline?host={socket}"], cls.folder, environment)
        cls.other_url = server_info(second)["url"]

    @classmethod
    def tearDownClass(cls):
        status = cls.other.stop()
        super().tearDownClass()
        assert status == 0, cls.other.output

    def there(self, name, transport="udp"):
        """A user's telephone at the other server."""
        user = SipUser(f"{name}@example.com", ("127.0.0.1", self.other_port), name, transport)
        self.users.append(user)
        return user

    def register(self, *users):
        super().register(*users)
        # And the first server has heard of it.
        self.heard("delete from rules.rule where false")

    def other_legs(self):
        lines = requests.get(self.other_url + "/metrics", timeout=10).text.splitlines()
        return int(next(line for line in lines if line.startswith("ledgerline_call_legs ")).split()[1])

    def tearDown(self):
        super().tearDown()
        self.until(lambda: self.other_legs() == 0, "the end of every leg at the other server")

    def take(self, phone, call):
        invite = phone.invited()
        phone.reply(invite, 180, "Ringing")
        self.assertEqual(call.ringing().status, 180)
        phone.answer(invite)
        self.assertEqual(call.response().status, 200)
        return invite

    def test_a_telephone_at_the_other_node_over_udp(self):
        phone = self.there("bob")
        self.register(phone)
        call = self.alice.call(BOB)
        self.take(phone, call)
        self.assertEqual(call.bye().status, 200)
        phone.expect_bye()
        second = self.stranger("second")
        call = self.v2.makeCall(callingParty=BOB, calledParty=f"sip:second@127.0.0.1:{second.port}")
        phone.reply(phone.invited(), 486)
        self.until_status(call, "CallTerminated")

    def test_a_real_telephone_at_the_other_node_over_udp(self):
        phone = RegisteredPhone(self.folder, "bob", 440, ("127.0.0.1", self.other_port))
        self.addCleanup(phone.stop)
        self.until(lambda: self.owner("select count(*) from ledger.binding") == "1", "the registration")
        call = self.alice.call(BOB)
        self.assertEqual(call.response().status, 200)
        self.assertEqual(call.bye().status, 200)

    def test_a_telephone_behind_the_other_nodes_connection(self):
        phone = self.there("bob", "tcp")
        self.register(phone)
        call = self.alice.call(BOB)
        invite = self.take(phone, call)
        self.assertIn("sip:alice@example.com", invite["From"])
        self.assertIn("sip:bob@example.com", invite["To"])
        self.assertEqual(invite["Max-Forwards"], "68")
        self.assertEqual(call.bye().status, 200)
        phone.expect_bye()
        # One call, one record: of the node that was called.
        self.assertEqual(self.record(BOB), "terminated|hang-up|sip:alice@example.com|alice@example.com|inbound")
        self.assertEqual(self.query("select count(*) from calls where requested_by = '127.0.0.1'"), "0")

    def test_what_it_says_comes_back(self):
        phone = self.there("bob", "tcp")
        self.register(phone)
        call = self.alice.call(BOB)
        phone.reply(phone.invited(), 486)
        self.assertEqual(call.response().status, 486)
        call = self.alice.call(BOB)
        invite = phone.invited()
        phone.reply(invite, 180)
        call.ringing()
        self.assertEqual(call.cancel().status, 487)
        phone.expect_cancel(invite)

    def test_a_connection_that_broke_is_not_reachable(self):
        phone = self.there("bob", "tcp")
        self.register(phone)
        phone.close()
        self.assertEqual(self.alice.call(BOB).response().status, 503)

    def test_third_party_calls_go_there_too(self):
        phone = self.there("bob", "tcp")
        self.register(phone)
        second = self.stranger("second")
        call = self.v2.makeCall(callingParty=BOB, calledParty=f"sip:second@127.0.0.1:{second.port}")
        phone.reply(phone.invited(), 486)
        self.until_status(call, "CallTerminated")

    def test_nobody_else_gets_in_that_way(self):
        phone = self.there("bob", "tcp")
        self.register(phone)
        stranger = SipUser("mallory@outside.example", ("127.0.0.1", self.other_port))
        self.users.append(stranger)
        route = f"Route: <sip:{'0f' * 60}@127.0.0.1:{self.other_port};lr>"
        self.assertEqual(stranger.call(phone.contact.strip("<>"), [route]).response().status, 401)
        self.assertTrue(phone.hears_nothing(lambda m: m.method == "INVITE"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
