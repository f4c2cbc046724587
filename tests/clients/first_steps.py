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

from server import PSQL, Server, run, sql

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
        self.serve()

    def serve(self):
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

    def test_a_restored_dump_is_the_ledger_that_it_was(self):
        charge = ("charge", "tel:+4930123456", "1.50", "EUR", "--reference", "R1", "--user", "shop", "--password-file",
                  "shop.password")
        self.test_each_line_does_what_the_page_says()
        dump = os.path.join(self.folder, "dump")
        self.database("pg_dump", "--format", "custom", "--file", dump)
        books = self.rows("select * from journal order by shard, journal_no")
        self.assertEqual(self.server.stop(), 0)
        shutil.move(os.path.join(self.folder, "var"), os.path.join(self.folder, "before"))
        self.serve()
        self.database("psql", "-c", "drop database ledgerline with (force)", database="postgres")
        self.database("pg_restore", "--create", "--exit-on-error", dump, database="postgres")
        self.assertEqual(self.server.stop(), 0, self.server.output)
        os.replace(os.path.join(self.folder, "before", "secret.key"), os.path.join(self.folder, "var", "secret.key"))
        self.serve()
        self.assertIn("Everything agrees.", self.done("audit", "verify"))
        self.assertEqual(self.rows("select * from journal order by shard, journal_no"), books)
        # The next migration finds the rights that it had, and finance none that it had not.
        self.assertEqual(self.rows("select has_database_privilege('ledgerline_owner', current_database(), 'create'),"
                                   " has_database_privilege(current_database(), 'temporary')"), ["t|f"])
        self.assertIn("nothing was posted now", self.done(*charge))

    def done(self, *arguments):
        output, errors, status = run(["ledgerline", *arguments], cwd=self.folder, env=self.environment)
        self.assertEqual((status, errors), (0, ""), arguments)
        return output

    def rows(self, query):
        return self.done("psql", "--", "-Atc", query).splitlines()

    def database(self, program, *arguments, database="ledgerline"):
        socket = os.path.realpath(os.path.join(self.folder, "var", "socket"))
        _, errors, status = run([os.path.join(os.path.dirname(PSQL), program), "-h", socket, "-U", "postgres", "-d", database,
                                 *arguments])
        self.assertEqual(status, 0, errors)


class Containers(unittest.TestCase):
    def test_the_key_of_the_secrets_outlives_its_container(self):
        """What else is in the server's folder in a container goes with it, and with every new image."""
        with open(os.path.join(REPOSITORY, "Dockerfile"), encoding="utf-8") as file:
            folder, = re.findall(r'"--data-dir", "([^"]+)"', file.read())
        with open(os.path.join(REPOSITORY, "docker-compose.yml"), encoding="utf-8") as file:
            text = file.read()
        service = re.search(r"^  ledgerline:\n((?:    .*\n)+)", text, re.MULTILINE).group(1)
        volume, = re.findall(rf"^    volumes: \[(\w+):{folder}\]", service, re.MULTILINE)
        self.assertRegex(text, rf"(?m)^volumes:\n(?:  .*\n)*  {volume}:")


if __name__ == "__main__":
    unittest.main()
