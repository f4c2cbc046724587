#!/usr/bin/python3
"""SOAP clients that nobody here wrote make themselves from our WSDLs and call every service: see service_cases.py.

    real_clients.py LEDGERLINE FOLDER

FOLDER keeps what npm installs from one run to the next.
"""
import glob
import os
import shutil
import subprocess
import sys
import unittest

from demo_case import DemoCase
from service_cases import ANYTHING, CASES, calls
from soap_drivers import DRIVERS, Child, Php, Refusal, Zeep

sys.path.insert(0, DRIVERS)
from gsoap import Gsoap  # pylint: disable=wrong-import-position

KEPT, LEDGERLINE = (os.path.abspath(argument) for argument in (sys.argv.pop(2), sys.argv.pop(1)))
AXIS = ("axis", "jaxrpc", "saaj", "wsdl4j", "commons-discovery", "commons-logging", "javax.mail", "javax.activation", "gson")
CREDENTIALS = ("demo-app", "demo-app")


def filled(value, reference, result):
    """A row's arguments for one call."""
    if isinstance(value, dict):
        return {name: filled(member, reference, result) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(item, reference, result) for item in value]
    return {"{ref}": reference, "{result}": result}.get(value, value) if isinstance(value, str) else value


class RealClients(DemoCase):
    program = LEDGERLINE

    def address(self, case, version):
        return f"{self.url}/ParlayX/{version}/{case.service}"

    def check(self, case, version, answer):
        what = f"{case.service} {version} {case.operation}: {answer}"
        if case.fault:
            self.assertIsInstance(answer, Refusal, what)
            self.assertIn(case.fault, answer.text, what)
            return
        self.assertNotIsInstance(answer, Refusal, what)
        if case.result is ANYTHING:
            self.assertTrue(answer, what)
        else:
            self.assertEqual(answer or None, case.result, what)

    def run_all(self, name, client):
        """Every row in every version."""
        self.addCleanup(client.close)
        result = None
        for number, (case, version) in enumerate(calls()):
            arguments = filled(case.arguments, f"{name}-{number}", result)
            result = client.call(case.service, version, case.operation, arguments)
            self.check(case, version, result)

    def test_zeep(self):
        self.run_all("zeep", Zeep(self.url))

    def test_php(self):
        self.run_all("php", Php(self.url))

    def test_perl(self):
        self.run_all("perl", Child(self.url, "perl", os.path.join(DRIVERS, "perl.pl"), *CREDENTIALS))

    def node(self, *arguments):
        home = os.path.join(KEPT, "node")
        os.makedirs(home, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(DRIVERS, name), home)
        if not os.path.exists(os.path.join(home, "node_modules", "soap")):
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True,
                           timeout=300)
        environment = dict(os.environ, NODE_PATH=os.path.join(home, "node_modules"), no_proxy="127.0.0.1")
        return Child(self.url, "node", os.path.join(DRIVERS, "node.js"), *arguments, environment=environment)

    def test_node(self):
        self.run_all("node", self.node(*CREDENTIALS))

    def test_node_username_token(self):
        """npm soap's WS-Security in both forms; the right password only."""
        case = CASES[0]
        for form in ("PasswordText", "PasswordDigest"):
            for password, fault in ((CREDENTIALS[1], ""), ("wrong", "not-authenticated")):
                client = self.node(CREDENTIALS[0], password, form)
                self.addCleanup(client.close)
                answer = client.call(case.service, "v2_1", case.operation,
                                     filled(case.arguments, f"token-{form}", None))
                self.check(case._replace(fault=fault), "v2_1", answer)

    def test_axis(self):
        jars = [path for name in AXIS for path in glob.glob(f"/usr/share/java/{name}.jar")]
        self.run_all("axis", Child(self.url, "java", "-XX:TieredStopAtLevel=1", "-cp", ":".join(jars),
                                   os.path.join(DRIVERS, "AxisDriver.java"), self.folder, *CREDENTIALS))

    def test_gsoap(self):
        newest = {case.service: max(version for other in CASES for version in other.versions
                                    if other.service == case.service) for case in CASES}
        rows = list(calls(lambda case, version: version == newest[case.service]))
        client = Gsoap(self.folder, CREDENTIALS, [(case, self.address(case, version)) for case, version in rows])
        result = None
        for number, (case, version) in enumerate(rows):
            result = client.ask(number, f"gsoap-{number}", result)
            self.check(case, version, result)


if __name__ == "__main__":
    unittest.main(verbosity=1)
