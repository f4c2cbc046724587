#!/usr/bin/python3
"""SOAP clients that nobody here wrote make themselves from our WSDLs and call every service: see service_cases.py.

    real_clients.py LEDGERLINE FOLDER

FOLDER keeps what npm installs from one run to the next.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import requests
import zeep
from zeep.transports import Transport

from server import Server, server_info
from service_cases import ANYTHING, CASES, calls

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "drivers"))
from gsoap import Gsoap  # pylint: disable=wrong-import-position

KEPT, LEDGERLINE = (os.path.abspath(argument) for argument in (sys.argv.pop(2), sys.argv.pop(1)))
DRIVERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drivers")
AXIS = ("axis", "jaxrpc", "saaj", "wsdl4j", "commons-discovery", "commons-logging", "javax.mail", "javax.activation", "gson")
CREDENTIALS = ("demo-app", "demo-app")


class Driver:
    """A child that answers a call, a line of JSON, with a line of JSON."""

    def __init__(self, *command, environment=None):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env=environment)

    def ask(self, **call):
        print(json.dumps(call), file=self.child.stdin, flush=True)
        line = self.child.stdout.readline()
        return json.loads(line) if line else {"error": f"the client ended with status {self.child.wait()}"}

    def stop(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


class Zeep:
    """zeep in its strict mode, in this process."""

    def __init__(self):
        self.clients = {}
        session = requests.Session()
        session.auth = CREDENTIALS
        session.trust_env = False
        self.transport = Transport(session=session, timeout=60, operation_timeout=60)

    def ask(self, wsdl, operation, arguments):
        if wsdl not in self.clients:
            self.clients[wsdl] = zeep.Client(wsdl, transport=self.transport, settings=zeep.Settings(strict=True))
        client = self.clients[wsdl]
        try:
            return {"result": client.service[operation](**arguments)}
        except zeep.exceptions.Fault as fault:
            declared = client.wsdl.types.deserialize(fault.detail[0])
            return {"fault": fault.message, "code": fault.code, "detail": declared.messageId}

    def stop(self):
        self.transport.session.close()


def filled(value, reference, result):
    """A row's arguments for one call."""
    if isinstance(value, dict):
        return {name: filled(member, reference, result) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(item, reference, result) for item in value]
    return {"{ref}": reference, "{result}": result}.get(value, value) if isinstance(value, str) else value


class RealClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-clients-")
        os.chmod(cls.folder, 0o755)
        cls.server = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0",
                              "--sip-listen", "127.0.0.1:0"], cls.folder)
        cls.url = server_info(os.path.join(cls.folder, "var"))["url"]

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert status == 0, cls.server.output

    def address(self, case, version):
        return f"{self.url}/ParlayX/{version}/{case.service}"

    def check(self, case, version, reply):
        what = f"{case.service} {version} {case.operation}: {reply}"
        self.assertNotIn("error", reply, what)
        if case.fault:
            self.assertIn(case.fault, reply.get("fault") or "", what)
            return
        self.assertNotIn("fault", reply, what)
        if case.result is ANYTHING:
            self.assertTrue(reply.get("result"), what)
        else:
            self.assertEqual(reply.get("result") or None, case.result, what)

    def run_all(self, name, client):
        """Every row in every version."""
        self.addCleanup(client.stop)
        result = None
        for number, (case, version) in enumerate(calls()):
            arguments = filled(case.arguments, f"{name}-{number}", result)
            reply = client.ask(wsdl=self.address(case, version) + "?wsdl", operation=case.operation,
                               arguments=arguments)
            self.check(case, version, reply)
            result = reply.get("result")

    def test_zeep(self):
        self.run_all("zeep", Zeep())

    def test_php(self):
        self.run_all("php", Driver("php", os.path.join(DRIVERS, "php.php"), *CREDENTIALS))

    def test_perl(self):
        self.run_all("perl", Driver("perl", os.path.join(DRIVERS, "perl.pl"), *CREDENTIALS))

    def node(self, *arguments):
        home = os.path.join(KEPT, "node")
        os.makedirs(home, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(DRIVERS, name), home)
        if not os.path.exists(os.path.join(home, "node_modules", "soap")):
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True,
                           timeout=300)
        environment = dict(os.environ, NODE_PATH=os.path.join(home, "node_modules"), no_proxy="127.0.0.1")
        return Driver("node", os.path.join(DRIVERS, "node.js"), *arguments, environment=environment)

    def test_node(self):
        self.run_all("node", self.node(*CREDENTIALS))

    def test_node_username_token(self):
        """npm soap's WS-Security in both forms; the right password only."""
        case = CASES[0]
        for form in ("PasswordText", "PasswordDigest"):
            for password, fault in ((CREDENTIALS[1], ""), ("wrong", "not-authenticated")):
                client = self.node(CREDENTIALS[0], password, form)
                self.addCleanup(client.stop)
                reply = client.ask(wsdl=self.address(case, "v2_1") + "?wsdl", operation=case.operation,
                                   arguments=filled(case.arguments, f"token-{form}", None))
                self.check(case._replace(fault=fault), "v2_1", reply)

    def test_axis(self):
        jars = [path for name in AXIS for path in glob.glob(f"/usr/share/java/{name}.jar")]
        self.run_all("axis", Driver("java", "-XX:TieredStopAtLevel=1", "-cp", ":".join(jars),
                                    os.path.join(DRIVERS, "AxisDriver.java"), self.folder, *CREDENTIALS))

    def test_gsoap(self):
        newest = {case.service: max(version for other in CASES for version in other.versions
                                    if other.service == case.service) for case in CASES}
        rows = list(calls(lambda case, version: version == newest[case.service]))
        client = Gsoap(self.folder, CREDENTIALS, [(case, self.address(case, version)) for case, version in rows])
        result = None
        for number, (case, version) in enumerate(rows):
            reply = client.ask(number, f"gsoap-{number}", result)
            self.check(case, version, reply)
            result = reply.get("result")


if __name__ == "__main__":
    unittest.main(verbosity=1)
