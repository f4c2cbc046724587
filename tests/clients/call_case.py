"""What tests of calls have in common: a server, SOAP clients from its WSDLs, and SIP peers."""
import os
import shutil
import tempfile
import time
import unittest

import requests
import zeep
from zeep.transports import Transport

from server import Server, run, server_info
from sip_peers import SCENARIOS, Peer, free_port


class CallCase(unittest.TestCase):
    """One server for all tests of a class; `ledgerline` and `settings` (LEDGERLINE_…, without that) are the class's."""
    ledgerline = ""
    settings = {}
    sip_listen = "127.0.0.1:{}"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-calls-")
        os.chmod(cls.folder, 0o755)
        # Nobody reads what it logs until it ends.
        settings = {"LOG_LEVEL": "warning", "MEDIA_BRIDGE": "off", **cls.settings}
        environment = {**os.environ, **{"LEDGERLINE_" + name: value for name, value in settings.items()}}
        cls.sip_port = free_port()
        cls.server = Server([cls.ledgerline, "serve", "--demo", "--listen", "127.0.0.1:0",
                             "--sip-listen", cls.sip_listen.format(cls.sip_port)], cls.folder, environment)
        cls.url = server_info(os.path.join(cls.folder, "var"))["url"]
        cls.v2 = cls.client("v2_3")
        cls.v3 = cls.client("v3_4")

    @classmethod
    def tearDownClass(cls):
        # The peers have seen the last BYE; its answers may be on their way.
        deadline = time.monotonic() + 10
        while (left := cls.left()) != (0, 0) and time.monotonic() < deadline:
            time.sleep(0.05)
        status = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert status == 0, cls.server.output
        assert left == (0, 0), f"{left} legs were left"

    @classmethod
    def client(cls, version, user="demo-app", password=None, service="ThirdPartyCall"):
        session = requests.Session()
        session.auth = (user, password or user)
        session.trust_env = False
        return zeep.Client(f"{cls.url}/ParlayX/{version}/{service}?wsdl",
                           transport=Transport(session=session, timeout=60, operation_timeout=60)).service

    @classmethod
    def metric(cls, name):
        metrics = requests.get(cls.url + "/metrics", timeout=10).text
        return int(next(line for line in metrics.splitlines() if line.startswith(name + " ")).split()[1])

    @classmethod
    def legs(cls):
        return cls.metric("ledgerline_call_legs")

    @classmethod
    def left(cls):
        """Legs, and legs on the bridge."""
        return cls.legs(), cls.metric("ledgerline_call_legs_mixed")

    def setUp(self):
        self.peers = []
        self.addCleanup(lambda: [peer.stop() for peer in self.peers])

    def peer(self, name, steps=None, transport="u1", port=None):
        peer = Peer(self.folder, name.replace("_", "-"), steps or SCENARIOS[name], transport, port)
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
            time.sleep(0.02)
        raise AssertionError(f"{what} did not come")

    def until_status(self, call, status, client=None):
        def look():
            information = (client or self.v2).getCallInformation(callIdentifier=call)
            return information if information.callStatus == status else None
        return self.until(look, status)

    def fault(self, expected, operation, **arguments):
        with self.assertRaises(zeep.exceptions.Fault) as raised:
            operation(**arguments)
        self.assertEqual(raised.exception.detail.find(".//messageId").text, expected)
        return [variable.text for variable in raised.exception.detail.findall(".//variables")]

    def mixed(self, count):
        self.until(lambda: self.metric("ledgerline_call_legs_mixed") == count, f"{count} legs on the bridge")

    def add_party(self, session, address):
        """Once the bridge is there: until then it is refused."""
        def added():
            try:
                self.v3.addCallParticipant(callSessionIdentifier=session, callParticipant=address)
            except zeep.exceptions.Fault as fault:
                self.assertEqual([v.text for v in fault.detail.findall(".//variables")], ["bridge-unavailable"])
                return False
            return True
        self.until(added, "the bridge")

    def query(self, text):
        output, errors, status = run([self.ledgerline, "psql", "--", "-At", "-c", text], cwd=self.folder)
        self.assertEqual(status, 0, errors)
        return output.strip()

    def held(self, address):
        return self.query("select posted, held from balances "
                          f"where address = '{address}' and balance_type = 'main'")

    def command(self, *arguments):
        """An operator's command that must succeed; what it says."""
        output, errors, status = run([self.ledgerline, *arguments], cwd=self.folder)
        self.assertEqual(status, 0, errors)
        return output
