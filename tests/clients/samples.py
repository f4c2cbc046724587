#!/usr/bin/python3
"""Runs the samples of docs/samples against a server, as a reader would.

    samples.py LEDGERLINE
"""
import os
import sys
import unittest

from demo_case import DemoCase
from server import run

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


class Samples(DemoCase):
    program = LEDGERLINE

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
                self.assertIn("98.5", self.command("balance", address))


if __name__ == "__main__":
    unittest.main()
