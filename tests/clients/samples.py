#!/usr/bin/python3
"""Runs the samples of docs/samples against a server, as a reader would.

    samples.py LEDGERLINE
"""
import os
import shutil
import sys
import tempfile
import unittest

from server import Server, run, server_info

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "samples")
JARS = [f"/usr/share/java/{name}.jar"
        for name in ("axis", "jaxrpc", "saaj", "wsdl4j", "commons-discovery", "commons-logging")]
PROGRAMS = {
    "charge.sh": ["sh"],
    "charge.py": ["/usr/bin/python3"],
    "charge.php": ["php"],
    "charge.pl": ["perl"],
    "charge.mjs": ["node"],
    "Charge.java": ["java", "-XX:TieredStopAtLevel=1", "-cp", ":".join(JARS)],
}


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-samples-")
        os.chmod(cls.folder, 0o755)
        cls.server = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0",
                             "--sip-listen", "127.0.0.1:0"], cls.folder)
        cls.url = server_info(os.path.join(cls.folder, "var"))["url"]

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert status == 0, cls.server.output

    def test_all_are_run(self):
        # The application is no client: notifications.py calls it.
        self.assertEqual(set(os.listdir(SAMPLES)) - {"README.md", "application.py"}, set(PROGRAMS))

    def test_each_charges_once_and_says_why_not(self):
        for number, (sample, program) in enumerate(PROGRAMS.items()):
            with self.subTest(sample):
                address = f"tel:+1555004{number}"
                arguments = [self.url, "demo-app", "demo-app", address]
                command = [*program, os.path.join(SAMPLES, sample), *arguments]
                for _ in range(2):  # the first answer again
                    output, errors, status = run([*command, "1.50", "R1"])
                    self.assertEqual((output, status), ("charged\n", 0), errors)
                output, errors, status = run([*command, "1000", "R2"])
                self.assertEqual((output, status), ("", 1))
                self.assertIn("not charged: ", errors)
                self.assertIn("SVC0270", errors)
                rows, errors, status = run([LEDGERLINE, "balance", address], cwd=self.folder)
                self.assertIn("98.5", rows)


if __name__ == "__main__":
    unittest.main()
