#!/usr/bin/python3
"""Two servers on one database: calls for telephones that registered at the other one, also over its connections;
requests about a call work at either of them.

    call_nodes.py LEDGERLINE
"""
import os
import signal
import unittest

import requests
import zeep.helpers
from zeep.transports import Transport

from inbound_calls import BOB, Calls
from phones import RegisteredPhone
from server import Server, run, server_info
from sip_peers import BYE, FIRST_CONNECTED, LATER, SDP, SILENT, free_port, recv, send
from sip_user import SipUser


class CallNodes(Calls):
    settings = dict(Calls.settings, CALL_NO_ANSWER="10s", CALL_NODE_TIMEOUT="1s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        first, second = os.path.join(cls.folder, "var"), os.path.join(cls.folder, "other")
        settings = {"LOG_LEVEL": "warning", "MEDIA_BRIDGE": "off", **cls.settings,
                    "AUTH_KEY_FILE": os.path.join(first, "secret.key")}
        cls.environment = {**os.environ, **{"LEDGERLINE_" + name: value for name, value in settings.items()}}
        cls.second_dir = second
        socket = os.path.realpath(os.path.join(first, "socket"))
        cls.other_port = free_port()
        cls.other_command = [cls.program, "serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir", second,
                             "--sip-listen", f"127.0.0.1:{cls.other_port}", "--database",
                             f"postgresql://postgres@/ledgerline?host={socket}"]
        cls.start_other()

    @classmethod
    def start_other(cls):
        cls.other = Server(cls.other_command, cls.folder, cls.environment)
        cls.other_url = server_info(cls.second_dir)["url"]

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

    def at_other(self, version, user="demo-app"):
        session = requests.Session()
        session.auth = (user, user)
        session.trust_env = False
        return zeep.Client(f"{self.other_url}/ParlayX/{version}/ThirdPartyCall?wsdl",
                           transport=Transport(session=session, timeout=60, operation_timeout=60)).service

    def trace(self, url, call, user="demo-app"):
        return requests.get(f"{url}/ParlayX/calls/{call}", auth=(user, user), timeout=30)

    def connected(self, client=None):
        """A call of two peers."""
        first, second = self.peer("first"), self.peer("second")
        call = (client or self.v2).makeCall(callingParty=first.uri, calledParty=second.uri)
        self.until_status(call, "CallConnected", client)
        return call, first, second

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

    def test_a_call_is_read_and_ended_at_either_node(self):
        call, first, second = self.connected()
        there2, there3, session = self.at_other("v2_3"), self.at_other("v3_4"), {"callSessionIdentifier": call}
        same = zeep.helpers.serialize_object
        self.assertEqual(same(there2.getCallInformation(callIdentifier=call)),
                         same(self.v2.getCallInformation(callIdentifier=call)))
        self.assertEqual(self.at_other("v2_0").getCallInformation(callIdentifier=call).callStatus, "CallConnected")
        self.assertEqual(same(there3.getCallSessionInformation(**session)),
                         same(self.v3.getCallSessionInformation(**session)))
        self.assertEqual(there3.getCallParticipantInformation(callParticipant=second.uri, **session)
                         .callParticipantStatus, "CallParticipantConnected")
        self.fault("SVC0260", there2.cancelCallRequest, callIdentifier=call)
        for party, part in ((second.uri, ["callParticipant"]), ("mailto:x", None)):
            variables = self.fault("SVC0004" if part is None else "SVC0002", there3.addCallParticipant,
                                   callParticipant=party, **session)
            self.assertEqual(variables, part or ["callParticipant"])
        self.assertEqual(self.fault("SVC0002", there3.deleteCallParticipant, callParticipant="sip:x@127.0.0.1",
                                    **session), ["callParticipant"])
        ladder = self.trace(self.other_url, call)
        self.assertEqual((ladder.status_code, ladder.text), (200, self.trace(self.url, call).text))
        self.assertIn("INVITE", ladder.text)
        for command, output in (("status", "CallConnected\n"), ("trace", ladder.text), ("end", "Ended.\n")):
            said, errors, _ = run([self.program, "call", command, call, "--data-dir", self.second_dir])
            self.assertEqual(said, output, errors)
        self.assertEqual(self.v2.getCallInformation(callIdentifier=call).terminationCause, "CallHangUp")
        for client in (self.v2, there2):
            self.fault("SVC0261", client.endCall, callIdentifier=call)
        self.finish()

    def test_a_call_that_rings_is_cancelled_at_the_other_node(self):
        first = self.peer("rings")
        call = self.v2.makeCall(callingParty=first.uri, calledParty="sip:x@127.0.0.1:1")
        self.until(lambda: "180" in self.trace(self.other_url, call).text, "the ringing")
        self.at_other("v2_3").cancelCallRequest(callIdentifier=call)
        self.finish()

    def test_participants_come_and_go_at_the_other_node(self):
        parked = recv("INVITE", SILENT) + send("200 OK", LATER, SDP, repeat=True) + recv("ACK")
        first, second = self.peer("first", FIRST_CONNECTED + parked + BYE), self.peer("second")
        session = {"callSessionIdentifier": self.v3.makeCallSession(callParticipants=[first.uri],
                                                                    changeMediaNotAllowed=False)}
        there = self.at_other("v3_4")

        def people(client):
            information = client.getCallSessionInformation(**session).callParticipantInformation
            return {each.callParticipantIdentifier: each.callParticipantStatus for each in information}
        self.until(lambda: people(there)[first.uri] == "CallParticipantConnected", "the first one")
        there.addCallParticipant(callParticipant=second.uri, **session)
        both = {peer.uri: "CallParticipantConnected" for peer in (first, second)}
        self.until(lambda: people(there) == people(self.v3) == both, "the second one")
        self.assertEqual(self.fault("SVC0002", there.addCallParticipant, callParticipant=second.uri, **session),
                         ["callParticipant"])
        there.deleteCallParticipant(callParticipant=second.uri, **session)
        for client in (there, self.v3):
            self.assertEqual(people(client), {**both, second.uri: "CallParticipantTerminated"})
        self.assertEqual(second.finish(), "")

        def silence():
            steps = [line.split(None, 3) for line in
                     self.trace(self.other_url, session["callSessionIdentifier"]).text.splitlines()]
            own = [step[3].split(None, 1)[1] for step in steps if step[1] == "ms" and step[3].startswith("1 ")]
            return sum(what.startswith("INVITE") for what in own) == 3 and own[-1].startswith("ACK")
        self.until(silence, "the first one's silence")
        there.endCallSession(**session)
        self.finish()

    def test_a_call_from_outside_is_read_and_ended_at_the_other_node(self):
        self.register(self.bob)
        call = self.alice.call(BOB)
        self.take(self.bob, call)
        known = "select call_id from calls where direction = 'inbound' and started_at is not null and ended_at is null"
        session = {"callSessionIdentifier": self.until(lambda: self.query(known), "its record")}
        there = self.at_other("v3_4", "admin")
        people = there.getCallSessionInformation(**session).callParticipantInformation
        self.assertEqual({each.callParticipantIdentifier: each.callParticipantStatus for each in people},
                         {"sip:alice@example.com": "CallParticipantConnected", BOB: "CallParticipantConnected"})
        there.endCallSession(**session)
        for phone in (self.alice, self.bob):
            phone.expect_bye()

    def test_nobody_learns_more_there_than_here(self):
        call, _, _ = self.connected()
        unknown = [call[:-1] + ("0" if call[-1] != "0" else "1"), "0" * len(call), "f" * 12 + call[12:], "'--",
                   "0" * 32, ""]
        for user, calls in (("bob", [call]), ("alice", [call]), ("finance", [call]), ("demo-app", unknown)):
            there = self.at_other("v2_3", user)
            for identifier in calls:
                with self.subTest(user=user, identifier=identifier):
                    for operation in (there.getCallInformation, there.endCall, there.cancelCallRequest):
                        self.assertEqual(self.fault("SVC0002", operation, callIdentifier=identifier), ["callIdentifier"])
                    if identifier:
                        answer = self.trace(self.other_url, identifier, user)
                        self.assertEqual((answer.status_code, answer.text), (404, "No such call\n"))
        admin = self.at_other("v2_3", "admin")
        self.assertEqual(admin.getCallInformation(callIdentifier=call).callStatus, "CallConnected")
        # Who has no key finds no door between nodes.
        for body in (b"", b"ask", b"00" * 100):
            answer = requests.post(self.url + "/nodes", data=body, timeout=30)
            self.assertEqual((answer.status_code, answer.text), (404, "Nothing here; see /ParlayX/\n"))
        admin.endCall(callIdentifier=call)
        self.finish()

    def test_a_participant_goes_to_a_session_at_the_other_node(self):
        moving, staying = self.stranger("moving"), self.stranger("staying")
        address = {user: f"sip:{user.login}@127.0.0.1:{user.port}" for user in (moving, staying)}
        there = self.at_other("v3_4")
        source = self.v3.makeCallSession(callParticipants=[address[moving]], changeMediaNotAllowed=False)
        moving.answer(moving.invited())
        target = there.makeCallSession(callParticipants=[address[staying]], changeMediaNotAllowed=False)
        staying.answer(staying.invited())

        def transfer(participant):
            return {"sourceCallSessionIdentifier": source, "callParticipant": participant,
                    "destinationCallSessionIdentifier": target}
        self.assertEqual(self.fault("SVC0002", there.transferCallParticipant, **transfer("sip:x@127.0.0.1")),
                         ["callParticipant"])
        self.assertEqual(self.fault("SVC0002", self.v3.transferCallParticipant, **transfer(address[staying])),
                         ["callParticipant"])
        there.transferCallParticipant(**transfer(address[moving]))
        moving.expect_bye()
        again = moving.invited()
        moving.reply(again, 180, "Ringing")
        people = self.v3.getCallSessionInformation(callSessionIdentifier=target).callParticipantInformation
        self.assertEqual([p.callParticipantIdentifier for p in people], [address[staying], address[moving]])
        self.v3.endCallSession(callSessionIdentifier=target)
        moving.expect_cancel(again)
        staying.expect_bye()

    def test_a_node_that_hangs_and_one_that_dies(self):
        there = self.at_other("v2_3")
        call, _, _ = self.connected(there)
        free = self.peer("second_hangs_up"), self.peer("first")
        os.kill(self.other.process.pid, signal.SIGSTOP)
        try:
            self.assertEqual(self.fault("SVC0001", self.v2.getCallInformation, callIdentifier=call),
                             ["node-unavailable"])
            answer = self.trace(self.url, call)
            self.assertEqual((answer.status_code, answer.headers["Retry-After"]), (503, "1"))
        finally:
            os.kill(self.other.process.pid, signal.SIGCONT)
        self.assertEqual(self.v2.getCallInformation(callIdentifier=call).callStatus, "CallConnected")
        ended = there.makeCall(callingParty=free[1].uri, calledParty=free[0].uri)
        self.until_status(ended, "CallTerminated", there)
        # Its end is written behind that; what is not yet written dies with the node.
        self.until(lambda: self.query(f"select state from calls where call_id = '{ended}'") == "terminated", "its record")
        self.other.kill()
        # It may be back before anybody misses it.
        self.assertEqual(self.fault("SVC0001", self.v2.getCallInformation, callIdentifier=call), ["node-unavailable"])
        type(self).start_other()
        for client in (self.v2, self.at_other("v2_3")):
            information = client.getCallInformation(callIdentifier=call)
            self.assertEqual((information.callStatus, information.terminationCause), ("CallTerminated", "CallAborted"))
            self.assertIsNotNone(information.startTime)
            self.fault("SVC0261", client.endCall, callIdentifier=call)
            information = client.getCallInformation(callIdentifier=ended)
            self.assertEqual((information.callStatus, information.terminationCause), ("CallTerminated", "CallHangUp"))
        self.assertEqual(self.fault("SVC0002", self.client("v2_3", "bob").getCallInformation, callIdentifier=call),
                         ["callIdentifier"])
        self.assertEqual(self.trace(self.url, call).status_code, 404)
        self.finish()
        self.peers.clear()
        # What a node knew that has stopped as it should is in the records at once.
        call, _, _ = self.connected(self.at_other("v2_3"))
        self.assertEqual(self.other.stop(), 0, self.other.output)
        self.assertEqual(self.v2.getCallInformation(callIdentifier=call).callStatus, "CallTerminated")
        people = self.v3.getCallSessionInformation(callSessionIdentifier=call).callParticipantInformation
        self.assertEqual({p.callParticipantStatus for p in people}, {"CallParticipantTerminated"})
        type(self).start_other()
        self.finish()


if __name__ == "__main__":
    unittest.main(verbosity=2)
