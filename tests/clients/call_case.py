"""What tests of calls have in common: a server, SOAP clients from its WSDLs, and SIP peers."""
import time

import requests
import zeep
from zeep.transports import Transport

from demo_case import DemoCase
from sip_peers import SCENARIOS, Peer, free_port


class CallCase(DemoCase):
    @classmethod
    def setUpClass(cls):
        # Nobody reads what it logs until it ends.
        cls.settings = {"LOG_LEVEL": "warning", "MEDIA_BRIDGE": "off", **cls.settings}
        cls.sip_port = free_port()
        super().setUpClass()
        cls.v2 = cls.client("v2_3")
        cls.v3 = cls.client("v3_4")

    @classmethod
    def tearDownClass(cls):
        # The peers have seen the last BYE; its answers may be on their way.
        deadline = time.monotonic() + 10
        while (left := cls.left()) != (0, 0) and time.monotonic() < deadline:
            time.sleep(0.05)
        super().tearDownClass()
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
        return "\n".join(self.rows(text))

    def held(self, address):
        return self.query("select posted, held from balances "
                          f"where address = '{address}' and balance_type = 'main'")
