#!/usr/bin/python3
"""What docs/operations.md says an operator does with an empty ledger, line by line.

    first_steps.py LEDGERLINE REPOSITORY
"""
import os
import re
import shutil
import sys
import tempfile
import unittest

from server import Server, run, sql

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
REPOSITORY = os.path.abspath(sys.argv.pop(1))


def commands():
    """The indented lines of the page's first section."""
    with open(os.path.join(REPOSITORY, "docs", "operations.md"), encoding="utf-8") as page:
        section = page.read().split("\n## ")[1]
    return re.findall(r"^    (\S.*)$", section, re.MULTILINE)


class FirstSteps(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-first-")
        os.chmod(self.folder, 0o755)
        # The page says `ledgerline`, as one types it where the package is installed.
        self.environment = dict(os.environ, PATH=f"{os.path.dirname(LEDGERLINE)}:{os.environ['PATH']}")
        self.server = Server(["ledgerline", "serve", "--listen", "127.0.0.1:0", "--sip-listen", "127.0.0.1:0"],
                             self.folder, self.environment)

    def tearDown(self):
        status = self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual(status, 0, self.server.output)

    def test_each_line_does_what_the_page_says(self):
        for name in ("carol.password", "carol.secret"):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write("a password of carol's\n")
        lines = commands()
        self.assertGreater(len(lines), 8)
        for line in lines:
            output, errors, status = run(["bash", "-c", line], cwd=self.folder, env=self.environment)
            self.assertEqual((status, errors), (0, ""), f"{line}\n{output}")
        self.assertEqual(sql(os.path.join(self.folder, "var"),
                             "select posted, unit from finance.balances where address = 'tel:+4930123456'",
                             "ledgerline_finance"), ["8.50|EUR"])
        # The subscriber sees her own account.
        output, errors, status = run(["ledgerline", "balance", "tel:+4930123456", "--user", "carol@example.com",
                                      "--password-file", "carol.password"], cwd=self.folder, env=self.environment)
        self.assertEqual((status, errors), (0, ""))
        self.assertIn("main", output)


if __name__ == "__main__":
    unittest.main()
