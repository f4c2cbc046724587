#!/usr/bin/python3
"""Call notifications: started and stopped by zeep in every version, and told to applications that other people's
programs make from our WSDLs.

    notifications.py LEDGERLINE CALL_APPLICATION FOLDER

FOLDER keeps what npm installs from one run to the next.
"""
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import requests
import zeep
from lxml import etree
from zeep.transports import Transport

from application_endpoint import ApplicationEndpoint
from nodes import two_nodes
from server import run

KEPT, CALL, LEDGERLINE = (os.path.abspath(sys.argv.pop(3 - i)) for i in range(3))
DRIVERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drivers")
SAMPLE = os.path.join(DRIVERS, "..", "..", "..", "docs", "samples", "application.py")
DIRECTION = {"interface": "CallDirectionManager", "what": "CallDirection"}
TELLING = {"interface": "CallNotificationManager", "what": "Call"}
VERSIONS = {"CallDirectionManager": ("v2_2", "v3_1"), "CallNotificationManager": ("v2_2", "v3_1", "v3_8")}
DECIDED = "Busy, NotReachable, NoAnswer, CalledNumber"
ADDRESSES_MAX, NOTIFICATIONS_MAX = 3, 8
ENVIRONMENT = {**os.environ, "LEDGERLINE_NOTIFICATIONS_ADDRESSES_LIMIT": str(ADDRESSES_MAX),
               "LEDGERLINE_NOTIFICATIONS_PER_USER_LIMIT": str(NOTIFICATIONS_MAX)}


class Notifications(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-notifications-")
        os.chmod(cls.folder, 0o755)
        cls.sessions = []
        cls.servers, cls.urls = two_nodes(LEDGERLINE, cls.folder, ENVIRONMENT)

    @classmethod
    def tearDownClass(cls):
        for session in cls.sessions:
            session.close()
        statuses = [server.stop() for server in reversed(cls.servers)]
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert statuses == [0, 0], [server.output for server in cls.servers]

    def setUp(self):
        self.live = []
        self.addCleanup(self.stop_all)

    @classmethod
    @functools.cache
    def client(cls, interface, version, user="demo-app", node=0):
        session = requests.Session()
        session.auth = (user, user)
        session.trust_env = False
        cls.sessions.append(session)
        return zeep.Client(f"{cls.urls[node]}{version}/{interface}?wsdl", settings=zeep.Settings(strict=True),
                           transport=Transport(session=session, timeout=60, operation_timeout=60))

    def start(self, manager, version, correlator, addresses=("tel:+15550010",), criteria=(), user="demo-app", node=0,
              endpoint="http://127.0.0.1:9/application", **more):
        service = self.client(manager["interface"], version, user, node).service
        answer = service[f"start{manager['what']}Notification"](
            reference={"endpoint": endpoint, "interfaceName": manager["what"], "correlator": correlator},
            addresses=list(addresses), criteria=list(criteria), **more)
        self.assertIsNone(answer)
        self.live.append((manager, version, correlator, user))

    def stop(self, manager, version, correlator, user="demo-app", node=0, **more):
        service = self.client(manager["interface"], version, user, node).service
        answer = service[f"stop{manager['what']}Notification"](correlator=correlator, **more)
        self.assertIsNone(answer)

    def stop_all(self):
        for manager, version, correlator, user in self.live:
            try:
                self.stop(manager, version, correlator, user)
            except zeep.exceptions.Fault as fault:
                self.assertIn("SVC0002", fault.message)

    def refused(self, message_id, variables, operation, *arguments, **named):
        """The fault that the WSDL declares, in the namespace of the version."""
        with self.assertRaises(zeep.exceptions.Fault) as raised:
            operation(*arguments, **named)
        fault = raised.exception
        self.assertIn(message_id, fault.message)
        self.assertEqual(fault.detail.findtext(".//messageId"), message_id)
        self.assertEqual([each.text for each in fault.detail.findall(".//variables")], list(variables))
        version = "v2_1" if arguments[1].startswith("v2") else "v3_1"
        self.assertEqual(etree.QName(fault.detail[0]).namespace, f"http://www.csapi.org/schema/parlayx/common/{version}")

    def each(self):
        for manager in (DIRECTION, TELLING):
            for version in VERSIONS[manager["interface"]]:
                with self.subTest(manager=manager["interface"], version=version):
                    yield manager, version

    def test_start_and_stop_in_every_version(self):
        for manager, version in self.each():
            self.start(manager, version, "c-1", criteria=["Busy", "NoAnswer", "Busy"])
            self.refused("SVC0005", ["c-1", "reference.correlator"], self.start, manager, version, "c-1",
                         ["tel:+15550011"])
            self.stop(manager, version, "c-1")
            self.refused("SVC0002", ["correlator"], self.stop, manager, version, "c-1")
            self.start(manager, version, "c-1")
            self.stop(manager, version, "c-1")

    def test_one_application_decides_and_many_are_told(self):
        self.start(DIRECTION, "v2_2", "mine", criteria=["Busy", "NoAnswer"])
        self.refused("SVC0008", ["criteria"], self.start, DIRECTION, "v3_1", "all")
        self.refused("SVC0008", ["criteria"], self.start, DIRECTION, "v3_1", "his", criteria=["NoAnswer", "CalledNumber"],
                     user="admin")
        self.start(DIRECTION, "v3_1", "his", criteria=["CalledNumber"], user="admin")
        self.start(DIRECTION, "v3_1", "elsewhere", ["tel:+15550011"], criteria=["Busy"])
        for number, user in enumerate(("demo-app", "demo-app", "admin")):
            self.start(TELLING, "v3_1", f"told-{number}", criteria=["Busy"], user=user)
        self.stop(DIRECTION, "v2_2", "mine")
        self.start(DIRECTION, "v3_1", "now-his", criteria=["NoAnswer"], user="admin")

    def test_events_that_nobody_decides_about(self):
        for version in VERSIONS["CallDirectionManager"]:
            for event in ("Answer", "Disconnected"):
                self.refused("SVC0003", ["criteria", DECIDED], self.start, DIRECTION, version, "c", criteria=["Busy", event])
            self.refused("SVC0003", ["criteria", DECIDED], self.start, DIRECTION, version, "c", criteria=["busy"])
        for event in ("Disconnected", "answer"):
            self.refused("SVC0003", ["criteria", DECIDED + ", Answer"], self.start, TELLING, "v2_2", "c", criteria=[event])
        self.refused("SVC0003", ["criteria", DECIDED + ", Answer, Disconnected"], self.start, TELLING, "v3_1", "c",
                     criteria=["answer"])
        for number, version in enumerate(("v3_1", "v3_8")):
            self.start(TELLING, version, f"c-{number}", criteria=["Answer", "Disconnected"])
        self.start(TELLING, "v3_8", "called", addressDirection="Called")
        self.start(TELLING, "v3_8", "calling", addressDirection="Calling")
        self.refused("SVC0003", ["addressDirection", "Called, Calling"], self.start, TELLING, "v3_8", "both",
                     addressDirection="Both")

    def test_addresses(self):
        for address in ("tel:+19990000", "nobody", "", "sip:nobody@example.com"):
            self.refused("SVC0004", ["addresses"], self.start, DIRECTION, "v3_1", "c", ["tel:+15550010", address])
        many = [f"tel:+155500{n}" for n in range(10, 10 + ADDRESSES_MAX + 1)]
        self.refused("POL0003", ["addresses"], self.start, TELLING, "v2_2", "c", many)
        self.start(TELLING, "v2_2", "c", many[:-1])
        # One that is named twice, and in another spelling, is one.
        self.start(DIRECTION, "v3_1", "c", ["tel:+15550010", "tel:+1 555-0010", "tel:+15550010"])

    def test_limit_of_a_user(self):
        for number in range(NOTIFICATIONS_MAX):
            self.start((DIRECTION, TELLING)[number % 2], "v3_1", f"c-{number}", [f"tel:+155500{20 + number}"])
        self.refused("POL0005", [], self.start, TELLING, "v2_2", "one-more")
        self.start(TELLING, "v2_2", "another's", user="admin")
        self.stop(DIRECTION, "v3_1", "c-0")
        self.start(TELLING, "v2_2", "one-more")

    def test_endpoints_that_are_not_called(self):
        for endpoint in ("http://10.1.2.3/", "http://169.254.169.254/latest", "ftp://example.com/", "nowhere", "",
                         "http://user:secret@example.com/", "http://example.com/" + "x" * 2000):
            with self.subTest(endpoint=endpoint[:40]):
                self.refused("SVC0002", ["reference.endpoint"], self.start, DIRECTION, "v3_1", "c", endpoint=endpoint)
        self.refused("SVC0002", ["reference.correlator"], self.start, DIRECTION, "v3_1", "")
        self.refused("SVC0002", ["reference.correlator"], self.start, DIRECTION, "v3_1", "c" * 2000)
        self.servers[0].wait_for("its address may not be connected to")

    def test_stopping_by_addresses_ignores_the_correlator(self):
        self.start(DIRECTION, "v3_1", "two", ["tel:+15550010", "tel:+15550011"], ["Busy", "NoAnswer"])
        self.refused("SVC0002", ["addresses"], self.stop, TELLING, "v3_1", "two", addresses=["tel:+15550010"])
        self.refused("SVC0002", ["addresses"], self.stop, DIRECTION, "v3_1", "two", addresses=["tel:+15550012"])
        self.refused("SVC0002", ["addresses"], self.stop, DIRECTION, "v3_1", "two", addresses=["tel:+15550010"],
                     criteria=["CalledNumber"])
        self.refused("SVC0004", ["addresses"], self.stop, DIRECTION, "v3_1", "two", criteria=["Busy"])
        self.stop(DIRECTION, "v2_2", "anything", addresses=["tel:+15550010"], criteria=["Busy"])
        self.start(DIRECTION, "v3_1", "busy", criteria=["Busy"])
        self.refused("SVC0008", ["criteria"], self.start, DIRECTION, "v3_1", "no-answer", criteria=["NoAnswer"])
        self.stop(DIRECTION, "v2_2", "", addresses=["tel:+15550010", "tel:+15550011"])
        for correlator in ("two", "busy"):
            self.refused("SVC0002", ["correlator"], self.stop, DIRECTION, "v3_1", correlator)

    def test_others_notifications_are_unknown(self):
        self.start(DIRECTION, "v3_1", "mine", ["tel:+15550001"])
        for correlator in ("mine", "nobody's"):
            for user in ("alice", "admin"):
                self.refused("SVC0002", ["correlator"], self.stop, DIRECTION, "v3_1", correlator, user=user)
            for user in ("bob", "finance"):  # who may stop none at all
                self.refused("POL0001", ["not-allowed"], self.stop, DIRECTION, "v3_1", correlator, user=user)
        self.refused("SVC0002", ["addresses"], self.stop, DIRECTION, "v3_1", "mine", user="alice",
                     addresses=["tel:+15550001"])
        # Who administers the domain sees to its accounts.
        self.stop(DIRECTION, "v3_1", "mine", user="admin", addresses=["tel:+15550001"])
        self.refused("SVC0002", ["correlator"], self.stop, DIRECTION, "v3_1", "mine")

    def test_rights(self):
        not_allowed = ("POL0001", ["not-allowed"], self.start, TELLING, "v3_1", "c")
        self.start(TELLING, "v3_1", "own", ["tel:+15550001", "sip:alice@example.com"], user="alice")
        self.refused(*not_allowed, ["tel:+15550002"], user="alice")
        self.refused(*not_allowed, ["tel:+15550001", "tel:+15550002"], user="alice")
        self.refused(*not_allowed, ["tel:+19990000"], user="alice")
        self.refused(*not_allowed, ["tel:+15550002"], user="bob")  # rules_by_user is off
        self.refused(*not_allowed, ["tel:+15550002"], user="finance")
        self.start(TELLING, "v3_1", "c", ["tel:+15550002"], user="admin")

    def test_nodes_and_restarts(self):
        self.start(DIRECTION, "v3_1", "c", criteria=["Busy"])
        self.refused("SVC0005", ["c", "reference.correlator"], self.start, DIRECTION, "v3_1", "c", node=1)
        self.refused("SVC0008", ["criteria"], self.start, DIRECTION, "v3_1", "d", node=1)
        for server in reversed(self.servers):
            self.assertEqual(server.stop(), 0)
        type(self).servers, type(self).urls = two_nodes(LEDGERLINE, self.folder, ENVIRONMENT)
        type(self).client.cache_clear()
        self.refused("SVC0008", ["criteria"], self.start, DIRECTION, "v2_2", "d", criteria=["Busy"])
        self.stop(DIRECTION, "v3_1", "c", node=1)
        self.start(DIRECTION, "v2_2", "d", criteria=["Busy"])

    def test_unlisted_versions_are_answered_in_their_namespace(self):
        local = "http://www.csapi.org/schema/parlayx/call_notification/notification_manager/v2_4/local"
        envelope = (f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><l:startCallNotification '
                    f'xmlns:l="{local}"><l:reference><endpoint>http://127.0.0.1:9/</endpoint><interfaceName>i'
                    '</interfaceName><correlator>v2_4</correlator></l:reference><l:addresses>tel:+15550010'
                    '</l:addresses></l:startCallNotification></s:Body></s:Envelope>')
        self.live.append((TELLING, "v2_2", "v2_4", "demo-app"))
        session = self.client("CallNotificationManager", "v2_2").transport.session
        answer = session.post(self.urls[0], envelope, headers={"Content-Type": "text/xml"}, timeout=60)
        self.assertIn('startCallNotificationResponse', answer.text)
        self.assertIn(local, answer.text)

    # Applications that we call -------------------------------------------------------------------------------

    def call(self, url, manner, version, event):
        output, errors, _ = run([CALL, url, manner, version, event])
        self.assertEqual(errors, "")
        return output.strip()

    def test_zeep_understands_what_it_is_asked(self):
        endpoint = ApplicationEndpoint(self.urls[0].removesuffix("/ParlayX/"))
        self.addCleanup(endpoint.stop)
        endpoint.answer = lambda event: {"actionToPerform": "Fork", "routingAddress": ["tel:+15550003", "tel:+15550004"],
                                         "charging": {"description": "two", "currency": "EUR", "amount": "0.50"}}
        for version, name in (("v2_2", "v2_2"), ("v2_5", "v2_5"), ("v3_1", "v3_2")):
            for event in DECIDED.split(", "):
                answer = self.call(endpoint.url, "ask", version, event)
                self.assertEqual(answer, "Fork tel:+15550003 tel:+15550004 for 0.5")
                asked = endpoint.wait_for(1)[-1]
                self.assertEqual((asked.operation, asked.version), ("handle" + event, name))
                self.assertEqual(asked.arguments["correlator"], "c-1")
                self.assertIn("Al & Co.", asked.arguments.values())
        for version, name in (("v2_2", "v2_2"), ("v3_1", "v3_2"), ("v3_8", "v3_8")):
            for event in (*DECIDED.split(", "), "Answer"):
                self.assertEqual(self.call(endpoint.url, "tell", version, event), "told")
                told = endpoint.wait_for(1)[-1]
                self.assertEqual((told.operation, told.version), ("notify" + event, name))
        for version in ("v3_1", "v3_8"):
            self.assertEqual(self.call(endpoint.url, "tell", version, "Disconnected"), "told")
            told = endpoint.wait_for(1)[-1]
            self.assertEqual((told.operation, told.arguments["eventNotified"]["callEvent"]),
                             ("notifyCallEvent", "Disconnected"))
        self.assertEqual(endpoint.errors, [])

    def test_the_sample_decides(self):
        """docs/samples/application.py, from its start to its Ctrl-C."""
        child = subprocess.Popen(["/usr/bin/python3", SAMPLE, self.urls[0].removesuffix("/ParlayX/"), "demo-app", "demo-app",
                                  "tel:+15550010", "tel:+15550003"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        url = child.stdout.readline().removeprefix("deciding at ").strip()
        self.refused("SVC0008", ["criteria"], self.start, DIRECTION, "v3_1", "c", criteria=["Busy"])
        self.assertEqual(self.call(url, "ask", "v3_1", "Busy"), "Route tel:+15550003")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=60), 0)
        self.start(DIRECTION, "v3_1", "c", criteria=["Busy"])

    def npm_soap(self, interface, version, action):
        home = os.path.join(KEPT, "node")
        os.makedirs(home, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(DRIVERS, name), home)
        if not os.path.exists(os.path.join(home, "node_modules", "soap")):
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True,
                           timeout=300)
        environment = dict(os.environ, NODE_PATH=os.path.join(home, "node_modules"), no_proxy="127.0.0.1")
        child = subprocess.Popen(["node", os.path.join(DRIVERS, "application.js"),
                                  f"{self.urls[0]}{version}/{interface}?wsdl", interface, json.dumps(action)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        def end():
            child.stdin.close()
            child.wait()
            child.stdout.close()
        self.addCleanup(end)
        return child.stdout.readline().strip(), child.stdout

    def test_npm_soap_decides(self):
        for version, manager in (("v2_2", "v2_2"), ("v3_2", "v3_1")):
            action = {"actionToPerform": "Route", "routingAddress": "sip:carol@example.com",
                      "charging": {"description": "advice", "currency": "EUR", "amount": "1.50"}}
            url, events = self.npm_soap("CallDirection", version, action)
            for event in DECIDED.split(", "):
                self.assertEqual(self.call(url, "ask", manager, event), "Route sip:carol@example.com for 1.5")
                asked = json.loads(events.readline())
                self.assertEqual((asked["operation"], asked["arguments"]["correlator"]), ("handle" + event, "c-1"))

    def test_npm_soap_is_told(self):
        for version, manager in (("v2_2", "v2_2"), ("v3_2", "v3_1"), ("v3_8", "v3_8")):
            url, events = self.npm_soap("CallNotification", version, {})
            for event in ("Busy", "Answer"):
                self.assertEqual(self.call(url, "tell", manager, event), "told")
                told = json.loads(events.readline())
                self.assertEqual((told["operation"], told["arguments"]["correlator"]), ("notify" + event, "c-1"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
