"""Books with a past: a server whose postings a test dates back, the operator's and finance's commands on it, and what
hledger makes of an export."""
import collections
import csv
import io
import os
import shutil
import subprocess
import tempfile
import unittest
from decimal import Decimal

from server import Server, run, sql


class Books(unittest.TestCase):
    maxDiff = None
    ledgerline = None  # the program
    time_zone = "UTC"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-books-")
        os.chmod(cls.folder, 0o755)
        cls.data_dir = os.path.join(cls.folder, "var")
        # What runs in the background stays out of the past that is made here.
        environment = dict(os.environ, LEDGERLINE_AUDIT_SEAL_INTERVAL="1d", LEDGERLINE_LEDGER_SWEEP_INTERVAL="1d",
                           LEDGERLINE_FINANCE_TIME_ZONE=cls.time_zone)
        cls.server = Server([cls.ledgerline, "serve", "--listen", "127.0.0.1:0", "--sip-listen", "", "--data-dir",
                             cls.data_dir], cls.folder, environment)

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert status == 0, cls.server.output

    @classmethod
    def done(cls, *arguments):
        output, errors, status = run([cls.ledgerline, *arguments], cwd=cls.folder)
        assert (status, errors) == (0, ""), (arguments, errors)
        return output

    def refused(self, *arguments):
        """Why, of a command that must be refused without a word on standard output."""
        output, errors, status = run([self.ledgerline, *arguments], cwd=self.folder)
        self.assertEqual((output, status), ("", 1), (arguments, errors))
        return errors

    @classmethod
    def sql(cls, role, statement):
        return sql(cls.data_dir, statement, role)

    def rows(self, query):
        """As finance sees it."""
        return self.done("psql", "--", "-At", "-c", query).splitlines()

    @classmethod
    def date_back(cls, moment, also=""):
        """Gives all that was posted so far another time: `moment`, an expression over the times that there are
        (recorded_at). It must keep their order, so that the books stay right. Nobody can do this but a superuser with the
        triggers off."""
        cls.sql("postgres", f"""
            begin;
            set local session_replication_role = replica;
            create temporary table moment as
            select recorded_at, {moment} as at
              from (select recorded_at from ledger.journal union select recorded_at from ledger.request) x;
            update ledger.journal j set recorded_at = m.at from moment m where m.recorded_at = j.recorded_at;
            update ledger.request r set recorded_at = m.at from moment m where m.recorded_at = r.recorded_at;
            {also}
            update ledger.account set opened_at = '2026-01-01';
            update ledger.balance set created_at = '2026-01-01';
            update ledger.address a set since = '2026-01-01', until = (select c.closed_at from ledger.account c
                where c.account_id = a.account_id);
            update ledger.shard s set last_recorded_at = coalesce((select max(r.recorded_at) from ledger.request r
                where r.shard = s.shard), (select max(j.recorded_at) from ledger.journal j where j.shard = s.shard), '-infinity');
            delete from ledger.slice_total;
            delete from ledger.slice;
            commit""")

    @classmethod
    def seal(cls, rows_of_a_block, time_zone):
        cls.sql("ledgerline_service",
                f"select ledger.seal_journal('-infinity', 100000, {rows_of_a_block}, '{time_zone}')")

    # hledger --------------------------------------------------------------------------------------------------------

    def hledger(self, journal, *arguments):
        """Figures of hledger's own report as {(account, unit): amount}, with the ledger's sign."""
        done = subprocess.run(["hledger", "-f", "-", *arguments, "-O", "csv", "--layout=bare"], input=journal,
                              capture_output=True, text=True, timeout=60, check=False,
                              env=dict(os.environ, LANG="C.UTF-8", LC_ALL="C.UTF-8"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return {(row["account"], row["commodity"]): Decimal(row["balance"])
                for row in csv.DictReader(io.StringIO(done.stdout)) if Decimal(row["balance"])}

    def expect_books(self, journal, at):
        """The export, in hledger's eyes, is finance's trial balance of that time."""
        figures = self.hledger(journal, "balance", "--flat", "--invert", "--no-total")
        sums = collections.Counter()
        for (account, unit), amount in figures.items():
            sums[account.startswith("liabilities:customers"), unit] += amount
        for line in self.rows(f"select unit, balances, contra, total from trial_balance_at('{at}')"):
            unit, balances, contra, total = line.split("|")
            self.assertEqual((sums[True, unit], sums[False, unit], Decimal(total)),
                             (Decimal(balances), Decimal(contra), 0), (unit, at))
        for line in self.rows(f"select unit, contra, case contra when 'revenue' then application end, sum(amount)"
                              f" from contra_at('{at}') group by 1, 2, 3"):
            unit, contra, application, amount = line.split("|")
            name = {"revenue": f"income:{application}", "funding": "assets:funding", "adjustment": "expenses:adjustments",
                    "written_off": "income:written off", "clearing": "equity:clearing"}[contra]
            self.assertEqual(figures.get((name, unit), 0), Decimal(amount), contra)
        return figures

    def expect_balances(self, figures, at):
        """Each customer's balance in those figures is what finance says that it was."""
        for line in self.rows(f"select address, balance_type, unit, posted from balances_at('{at}')"):
            address, balance, unit, posted = line.split("|")
            self.assertEqual(figures.get((f"liabilities:customers:{address}:{balance}", unit), 0), Decimal(posted),
                             (address, balance))
