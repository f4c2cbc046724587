#!/usr/bin/python3
"""Archiving a sealed month whose requests go on afterwards, and archiving that is cut off in between.

    archiving.py LEDGERLINE
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from server import Server, run, sql

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
PEOPLE = [f"tel:+1555000{n}" for n in range(1, 9)]  # on several shards
ALICE, BOB, CAROL = PEOPLE[:3]
HOLD = "0a000000-0000-0000-0000-00000000000{}"

# All that there is so far is moved into January 2026, in its order. Nobody can do this but a superuser with triggers off.
DATE_BACK = """
    begin;
    set local session_replication_role = replica;
    create temporary table shift as select max(recorded_at) - timestamptz '2026-01-20 12:00Z' as by from ledger.journal;
    update ledger.journal set recorded_at = recorded_at - by from shift;
    update ledger.request set recorded_at = recorded_at - by from shift;
    update ledger.shard set last_recorded_at = last_recorded_at - by from shift where last_recorded_at > '-infinity';
    update ledger.account set opened_at = '2026-01-01';
    update ledger.balance set created_at = '2026-01-01';
    update ledger.address set since = '2026-01-01';
    delete from ledger.slice_total;
    delete from ledger.slice;
    commit;
"""


class Archiving(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-archiving-")
        os.chmod(cls.folder, 0o755)
        cls.data_dir = os.path.join(cls.folder, "var")
        environment = dict(os.environ, LEDGERLINE_AUDIT_SEAL_INTERVAL="1d", LEDGERLINE_LEDGER_SWEEP_INTERVAL="1d")
        cls.server = Server([LEDGERLINE, "serve", "--listen", "127.0.0.1:0", "--sip-listen", "", "--data-dir",
                             cls.data_dir], cls.folder, environment)
        cls.done("account", "domain", "example.com")
        cls.done("account", "balance-type", "example.com", "bonus", "EUR", "--priority", "1")
        cls.done("account", "balance-type", "example.com", "main", "EUR", "--priority", "2")
        for person in PEOPLE:
            spending = ["--spending-order"] if person == ALICE else []
            cls.done("account", "open", person, "--domain", "example.com", *spending)
            cls.done("balance", "credit", person, "50.00", "EUR", "--balance", "main", "--reference", "topup")
            cls.done("balance", "credit", person, "5.00", "EUR", "--balance", "bonus", "--reference", "gift")

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert status == 0, cls.server.output

    @classmethod
    def done(cls, *arguments):
        output, errors, status = run([LEDGERLINE, *arguments], cwd=cls.folder)
        assert (status, errors) == (0, ""), (arguments, errors)
        return output

    @classmethod
    def rows(cls, statement, role="postgres"):
        return sql(cls.data_dir, statement, role)

    def post(self, operation, address, cents, reference, hold="null", original="null"):
        """What the shop asks for: 'outcome|request|first journal number'."""
        hold = hold if hold == "null" else f"'{hold}'::uuid"
        original = original if original == "null" else f"'{original}'"
        answer, = self.rows(f"""
            select o_outcome[1], o_request_id[1], o_journal_no[1]
              from ledger.address d
             cross join lateral ledger.post_batch(
                   '{{{operation}}}', array[d.shard], array[d.account_id], null, array[null], array[{cents}], '{{2}}', '{{EUR}}',
                   array[ledger.application_id('shop')], array['{reference}'],
                   array[md5('{operation}{cents}{reference}')::uuid], null, array[{hold}]::uuid[], array['revenue'],
                   array[{original}]::text[], '{{f}}', null, null, array['archiving'], 1000000000, interval '9000 days')
             where d.address = '{address}' and d.until is null""", "ledgerline_service")
        return answer

    def split(self, cents, reference):
        answer, = self.rows(f"""
            select s.o_outcome, s.o_request_id, s.o_journal_no
              from (select array_agg(d.shard order by d.address) as shards, array_agg(d.account_id order by d.address) as accounts
                      from ledger.address d where d.address in ('{ALICE}', '{BOB}', '{CAROL}')) a
             cross join lateral ledger.post_split(
                   ledger.application_id('shop'), '{reference}', md5('split{cents}{reference}')::uuid, a.shards, a.accounts,
                   null, '{{50,30,20}}', null, {cents}, 2::smallint, 'EUR', null, 'archiving', 1000000000) s""",
                            "ledgerline_service")
        return answer

    def january(self):
        """Everything that January saw, in order; asked again it changes nothing."""
        answers = [self.post("charge", person, 150, f"song-{n}") for person in PEOPLE for n in range(6)]
        answers += [
            self.post("charge", ALICE, 900, "two-legs"), self.post("refund", ALICE, 100, "back-1", original="two-legs"),
            self.post("hold", BOB, 1000, "held-1", hold=HOLD.format(1)),
            self.post("capture", BOB, 300, "taken-1", hold=HOLD.format(1)),
            self.post("hold", CAROL, 500, "held-2", hold=HOLD.format(2)),
            self.split(1000, "dinner"),
        ]
        for arguments in (("transfer", ALICE, BOB, "2.00", "EUR", "--reference", "pocket-money"),
                          ("reverse", BOB, "--of-application", "shop", "--of-operation", "charge", "--of-reference",
                           "song-1", "--reference", "undo-1")):
            answers.append(self.done("balance", *arguments, "--json"))
        return answers

    def expect_right(self):
        self.assertIn("Everything agrees.", self.done("audit", "verify"))
        self.assertEqual(self.rows("select * from finance.trial_balance where total <> 0"), [])

    def books(self):
        return self.rows("select shard, account_id, balance_no, posted, held, seq from ledger.balance order by 1, 2, 3")

    def wait_until(self, statement):
        deadline = time.monotonic() + 60
        while self.rows(statement) != ["t"]:
            self.assertLess(time.monotonic(), deadline, statement)
            time.sleep(0.02)

    def archive_and(self, end):
        """Archiving that is stopped by `end` when it has copied the month and has yet to delete it; its exit status."""
        socket = os.path.realpath(os.path.join(self.data_dir, "socket"))
        with subprocess.Popen(["/usr/lib/postgresql/15/bin/psql", "-XqAt", "-h", socket, "-U", "postgres", "-d", "ledgerline"],
                              stdin=subprocess.PIPE, text=True) as blocker:
            blocker.stdin.write("begin; lock table ledger.archive in share mode;\n")
            blocker.stdin.flush()
            self.wait_until("select count(*) = 1 from pg_locks where relation = 'ledger.archive'::regclass"
                            " and mode = 'ShareLock' and granted")
            with subprocess.Popen([LEDGERLINE, "period", "archive", "2026-01"], cwd=self.folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True) as process:
                self.wait_until("select count(*) = 1 from pg_locks where relation = 'ledger.archive'::regclass and not granted")
                end(process)
                process.communicate(timeout=60)
            blocker.stdin.write("rollback;\n")
            blocker.stdin.close()
        self.wait_until("select count(*) = 0 from pg_stat_activity where query like '%archive_month%' and pid <> pg_backend_pid()")
        return process.returncode

    def test_a_month_is_archived_once_and_what_began_in_it_goes_on(self):
        answers = self.january()
        self.expect_right()
        self.rows(DATE_BACK)
        self.done("period", "close", "2026-01")
        self.rows("select ledger.seal_journal('-infinity', 100000, 7, 'UTC')", "ledgerline_service")
        # February, before January is archived: parts of what January began.
        self.assertRegex(self.post("refund", ALICE, 200, "back-2", original="two-legs"), "^posted")
        self.assertRegex(self.post("capture", BOB, 100, "taken-2", hold=HOLD.format(1)), "^posted")
        self.expect_right()
        books = self.books()
        count = int(self.rows("select count(*) from ledger.journal where recorded_at < '2026-02-01'")[0])
        whole = self.rows("select shard, journal_no, amount from ledger.journal order by 1, 2")

        # Cut off, nothing has happened.
        cut = ("select pg_terminate_backend(pid) from pg_stat_activity where query like '%archive_month%'"
               " and pid <> pg_backend_pid()")
        for end, status in ((lambda process: process.kill(), -9), (lambda process: self.rows(cut), 2)):
            self.assertEqual(self.archive_and(end), status)
            self.assertEqual(self.rows("select to_regclass('ledger_archive.journal_2026_01'), count(*) from ledger.archive"),
                             ["|0"])
            self.assertEqual(self.rows("select shard, journal_no, amount from ledger.journal order by 1, 2"), whole)
            self.expect_right()
        self.assertIn(f"Moved {count} rows", self.done("period", "archive", "2026-01"))
        self.assertIn("archived before", self.done("period", "archive", "2026-01"))
        self.assertEqual(self.rows("select shard, journal_no, amount from ledger.journal union all"
                                   " select shard, journal_no, amount from ledger_archive.journal_2026_01 order by 1, 2"), whole)
        self.assertEqual(self.books(), books)
        self.expect_right()

        # Asked again, January's requests have January's answers.
        again = self.january()
        self.assertEqual([answer.replace("replayed", "posted") for answer in again], answers)
        self.assertEqual(self.books(), books)

        # Refunds of what is archived: a charge over two balances, of which one part was refunded in January and one since.
        self.assertRegex(self.post("refund", ALICE, 601, "back-3", original="two-legs"), "^beyond_charge")
        self.assertRegex(self.post("refund", ALICE, 600, "back-3", original="two-legs"), "^posted")
        self.assertRegex(self.post("refund", ALICE, 1, "back-4", original="two-legs"), "^beyond_charge")
        self.assertRegex(self.post("refund", BOB, 301, "back-5", original="dinner"), "^beyond_charge")
        self.assertRegex(self.post("refund", BOB, 300, "back-5", original="dinner"), "^posted")
        self.assertRegex(self.post("refund", BOB, 300, "back-7", original="taken-1"), "^posted")
        self.assertRegex(self.post("refund", CAROL, 150, "back-6", original="song-3"), "^posted")
        self.expect_right()

        # Holds: the rest of one that was captured on both sides of the cut, and one that was not touched since.
        self.assertRegex(self.post("capture", BOB, 601, "taken-3", hold=HOLD.format(1)), "^beyond_hold")
        self.assertRegex(self.post("capture", BOB, 600, "taken-3", hold=HOLD.format(1)), "^posted")
        self.assertRegex(self.post("extend", CAROL, 100, "more", hold=HOLD.format(2)), "^posted")
        self.assertRegex(self.post("capture", CAROL, 550, "taken-4", hold=HOLD.format(2)), "^posted")
        self.assertRegex(self.post("release", CAROL, 0, "let-go", hold=HOLD.format(2)), "^posted")
        self.expect_right()

        # What is archived is not undone, by halves or at all; what came since is.
        for address, operation, reference in ((CAROL, "charge", "song-5"), (ALICE, "charge", "two-legs"),
                                              (BOB, "capture", "taken-1")):
            output, errors, status = run([LEDGERLINE, "balance", "reverse", address, "--of-application", "shop",
                                          "--of-operation", operation, "--of-reference", reference, "--reference",
                                          f"undo-{reference}"], cwd=self.folder)
            self.assertEqual((output, status), ("", 1), errors)
            self.assertIn("unknown_charge", errors)
        self.done("balance", "reverse", BOB, "--of-application", "shop", "--of-operation", "capture", "--of-reference",
                  "taken-3", "--reference", "undo-taken-3")
        self.rows("select ledger.seal_journal('-infinity', 100000, 7, 'UTC')", "ledgerline_service")
        self.expect_right()


if __name__ == "__main__":
    unittest.main(verbosity=1)
