#!/usr/bin/python3
"""What a newcomer does: clone, scripts/run, the printed charge line, a look with psql, Ctrl-C, and once more.

    newcomer.py REPOSITORY
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

from server import Server, run, server_info

REPOSITORY = sys.argv.pop(1)
BUILD_SECONDS = 3600


class Newcomer(unittest.TestCase):
    def setUp(self):
        # Under root's home the user postgres can't enter: the hard case where there is one.
        home = os.path.expanduser("~")
        self.parent = tempfile.mkdtemp(prefix="ledgerline-newcomer-", dir=home)
        self.clone = os.path.join(self.parent, "ledgerline")
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, self.clone], check=True)
        self.data_dir = os.path.join(self.clone, "var")
        self.server = None

    def tearDown(self):
        if self.server and self.server.process.poll() is None:
            self.server.kill()
        cluster = os.path.join(self.data_dir, "postgres")
        if os.path.islink(cluster):
            shutil.rmtree(os.path.dirname(os.readlink(cluster)), ignore_errors=True)
        shutil.rmtree(self.parent, ignore_errors=True)

    def start(self, listen="127.0.0.1:0"):
        environment = dict(os.environ, CMAKE_ARGS="-DLEDGERLINE_WERROR=ON")  # as scripts/test: then ccache has it all
        command = ["scripts/run", "--listen", listen, "--sip-listen", "127.0.0.1:0"]
        self.server = Server(command, self.clone, environment, BUILD_SECONDS)

    def printed_line(self, word):
        """The line of the start message that runs this subcommand."""
        lines = re.findall(rf"^  (\S+ {word}\b.*)$", self.server.output, re.MULTILINE)
        self.assertEqual(len(lines), 1, self.server.output)
        return lines[0]

    def charge(self):
        return run(["bash", "-c", self.printed_line("charge")], cwd="/")

    def rows(self, query):
        psql = shlex.split(self.printed_line("psql"))
        output, errors, status = run([*psql, "--", "-At", "-c", query], cwd="/")
        self.assertEqual(status, 0, errors)
        return output.splitlines()

    def test_first_minutes(self):
        self.start()
        screen = self.server.output[self.server.output.index("ledgerline is ready"):]
        self.assertLessEqual(len(screen.splitlines()), 30, screen)

        output, errors, status = self.charge()
        self.assertEqual((status, errors), (0, ""))
        self.assertIn("Charged tel:+15550001 1.50 EUR", output)
        output, _, status = self.charge()
        self.assertEqual(status, 0)
        self.assertIn("nothing was posted now", output)
        self.assertEqual(self.rows("select amount, unit, balance_after from journal where reference_code = 'R1'"),
                         ["-1.50|EUR|98.50"])
        self.assertEqual(self.rows("select posted from finance.balances where address = 'tel:+15550001' "
                                   "and balance_type = 'main'"), ["98.50"])
        _, errors, status = run([*shlex.split(self.printed_line("psql")), "--", "-c", "delete from ledger.journal"])
        self.assertEqual(status, 1)
        self.assertIn("permission denied", errors)

        url = server_info(self.data_dir)["url"]
        self.assertEqual(self.server.stop(), 0, self.server.output)
        self.assertFalse(os.path.exists(os.path.join(self.data_dir, "server.json")))
        with open(os.path.join(self.data_dir, "postgres.log"), encoding="utf-8") as log:
            self.assertIn("database system is shut down", log.read().splitlines()[-1])
        _, errors, status = self.charge()
        self.assertEqual(status, 2)
        self.assertIn("no server is running", errors)

        # The same data after a second start, and after a server that was killed; on the port that was free just now.
        self.start(url.removeprefix("http://"))
        self.assertEqual(len(self.rows("select 1 from journal where reference_code = 'R1'")), 1)
        self.server.kill()
        self.start()
        output, _, status = self.charge()
        self.assertEqual(status, 0)
        self.assertIn("nothing was posted now", output)
        self.assertEqual(self.rows("select unit, total from trial_balance where total <> 0"), [])
        self.assertEqual(self.server.stop(), 0, self.server.output)


if __name__ == "__main__":
    unittest.main()
