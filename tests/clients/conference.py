#!/usr/bin/python3
"""Three and more parties: a real Janus mixes them, signalling by sipp, media by baresip.

    conference.py LEDGERLINE
"""
import os
import shutil
import sys
import tempfile
import time
import unittest

import requests
import zeep
from zeep.transports import Transport

from server import Server, server_info
from sip_peers import SCENARIOS, Peer, free_port, refusal

LEDGERLINE = os.path.abspath(sys.argv.pop(1))


def metric(url, name):
    metrics = requests.get(url + "/metrics", timeout=10).text
    return int(next(line for line in metrics.splitlines() if line.startswith(name + " ")).split()[1])


class Conference(unittest.TestCase):
    bridge = "own"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-conference-")
        os.chmod(cls.folder, 0o755)
        environment = dict(os.environ, LEDGERLINE_LOG_LEVEL="warning", LEDGERLINE_MEDIA_BRIDGE=cls.bridge,
                           LEDGERLINE_MEDIA_TIMEOUT="1s", LEDGERLINE_CALL_PARTICIPANTS_LIMIT="4")
        cls.server = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0",
                             "--sip-listen", f"127.0.0.1:{free_port()}"], cls.folder, environment)
        cls.url = server_info(os.path.join(cls.folder, "var"))["url"]
        session = requests.Session()
        session.auth = ("demo-app", "demo-app")
        session.trust_env = False
        cls.service = zeep.Client(f"{cls.url}/ParlayX/v3_4/ThirdPartyCall?wsdl",
                                  transport=Transport(session=session, timeout=60, operation_timeout=60)).service

    @classmethod
    def tearDownClass(cls):
        left = metric(cls.url, "ledgerline_call_legs"), metric(cls.url, "ledgerline_call_legs_mixed")
        status = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert status == 0, cls.server.output
        assert left == (0, 0), f"{left} legs were left"

    def setUp(self):
        self.peers = []
        self.addCleanup(lambda: [peer.stop() for peer in self.peers])

    def peer(self, name, steps=None):
        peer = Peer(self.folder, name.replace("_", "-"), steps or SCENARIOS[name])
        self.peers.append(peer)
        return peer

    def finish(self):
        """Every peer saw what its scenario says."""
        wrong = [text for text in (peer.finish() for peer in self.peers) if text]
        self.assertEqual(wrong, [])

    def until(self, look, what):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if value := look():
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what} did not come")

    def session(self, *parties):
        return self.service.makeCallSession(callParticipants=[party.uri for party in parties],
                                            changeMediaNotAllowed=False)

    def statuses(self, session):
        people = self.service.getCallSessionInformation(callSessionIdentifier=session).callParticipantInformation
        return {p.callParticipantIdentifier: p.callParticipantStatus.removeprefix("CallParticipant") for p in people}

    def connected(self, session, *parties):
        self.until(lambda: [self.statuses(session).get(p.uri) for p in parties] == ["Connected"] * len(parties),
                   "the connection of all")

    def mixed(self, count):
        self.until(lambda: metric(self.url, "ledgerline_call_legs_mixed") == count, f"{count} legs on the bridge")

    def fault(self, expected, operation, **arguments):
        with self.assertRaises(zeep.exceptions.Fault) as raised:
            operation(**arguments)
        self.assertEqual(raised.exception.detail.find(".//messageId").text, expected)
        return [variable.text for variable in raised.exception.detail.findall(".//variables")]

    def bridge_is_there(self):
        """Adding fails as long as it is not."""


class WithJanus(Conference):
    def test_the_third_participant_moves_all_to_the_bridge(self):
        first, second, third = self.peer("first_moved"), self.peer("second_moved"), self.peer("mixed")
        session = self.session(first, second)
        self.connected(session, first, second)
        self.service.addCallParticipant(callSessionIdentifier=session, callParticipant=third.uri)
        self.connected(session, first, second, third)
        self.mixed(3)
        self.service.endCallSession(callSessionIdentifier=session)
        self.finish()
        self.mixed(0)


if __name__ == "__main__":
    del Conference
    unittest.main()
