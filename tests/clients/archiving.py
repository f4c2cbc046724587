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

from books import Books
from server import PSQL, Server, locked, run, sql

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
PEOPLE = [f"tel:+1555000{n}" for n in range(1, 9)]  # on several shards
ALICE, BOB, CAROL = PEOPLE[:3]
HOLD = "0a000000-0000-0000-0000-00000000000{}"


class January(Books):
    """Eight people, what they did in January, and what must be so whatever is archived."""
    ledgerline = LEDGERLINE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.done("account", "domain", "example.com")
        cls.done("account", "balance-type", "example.com", "bonus", "EUR", "--priority", "1")
        cls.done("account", "balance-type", "example.com", "main", "EUR", "--priority", "2")
        for person in PEOPLE:
            spending = ["--spending-order"] if person == ALICE else []
            cls.done("account", "open", person, "--domain", "example.com", *spending)
            cls.done("balance", "credit", person, "50.00", "EUR", "--balance", "main", "--reference", "topup")
            cls.done("balance", "credit", person, "5.00", "EUR", "--balance", "bonus", "--reference", "gift")

    def post(self, operation, address, cents, reference, hold="null", original="null"):
        """What the shop asks for: 'outcome|request|first journal number'."""
        hold = hold if hold == "null" else f"'{hold}'::uuid"
        original = original if original == "null" else f"'{original}'"
        answer, = self.sql("ledgerline_service", f"""
            select o_outcome[1], o_request_id[1], o_journal_no[1]
              from ledger.address d
             cross join lateral ledger.post_batch(
                   '{{{operation}}}', array[d.shard], array[d.account_id], null, array[null], array[{cents}], '{{2}}', '{{EUR}}',
                   array[ledger.application_id('shop')], array['{reference}'],
                   array[md5('{operation}{cents}{reference}')::uuid], null, array[{hold}]::uuid[], array['revenue'],
                   array[{original}]::text[], '{{f}}', null, null, array['archiving'], 1000000000, interval '9000 days')
             where d.address = '{address}' and d.until is null""")
        return answer

    def split(self, cents, reference):
        answer, = self.sql("ledgerline_service", f"""
            select s.o_outcome, s.o_request_id, s.o_journal_no
              from (select array_agg(d.shard order by d.address) as shards, array_agg(d.account_id order by d.address) as accounts
                      from ledger.address d where d.address in ('{ALICE}', '{BOB}', '{CAROL}')) a
             cross join lateral ledger.post_split(
                   ledger.application_id('shop'), '{reference}', md5('split{cents}{reference}')::uuid, a.shards, a.accounts,
                   null, '{{50,30,20}}', null, {cents}, 2::smallint, 'EUR', null, 'archiving', 1000000000) s""")
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
        self.assertEqual(self.sql("postgres", "select * from finance.trial_balance where total <> 0"), [])

    def expect_not_undone(self, address, operation, reference, application="shop"):
        self.assertIn("unknown_charge", self.refused(
            "balance", "reverse", address, "--of-application", application, "--of-operation", operation, "--of-reference",
            reference, "--reference", f"undo-{reference}"))

    def books(self):
        return self.sql("postgres", "select shard, account_id, balance_no, posted, held, seq from ledger.balance order by 1, 2, 3")


class Archiving(January):
    def wait_until(self, statement):
        deadline = time.monotonic() + 60
        while self.sql("postgres", statement) != ["t"]:
            self.assertLess(time.monotonic(), deadline, statement)
            time.sleep(0.02)

    def archive_and(self, end):
        """Archiving that is stopped by `end` when it has copied the month and has yet to delete it; its exit status."""
        socket = os.path.realpath(os.path.join(self.data_dir, "socket"))
        with subprocess.Popen([PSQL, "-XqAt", "-h", socket, "-U", "postgres", "-d", "ledgerline"],
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
        self.date_back("recorded_at - (max(recorded_at) over () - timestamptz '2026-01-20 12:00Z')")
        self.done("period", "close", "2026-01")
        self.seal(7, "UTC")
        # February, before January is archived: parts of what January began.
        self.assertRegex(self.post("refund", ALICE, 200, "back-2", original="two-legs"), "^posted")
        self.assertRegex(self.post("capture", BOB, 100, "taken-2", hold=HOLD.format(1)), "^posted")
        self.expect_right()
        books = self.books()
        count = int(self.sql("postgres", "select count(*) from ledger.journal where recorded_at < '2026-02-01'")[0])
        whole = self.sql("postgres", "select shard, journal_no, amount from ledger.journal order by 1, 2")

        # Cut off, nothing has happened.
        cut = ("select pg_terminate_backend(pid) from pg_stat_activity where query like '%archive_month%'"
               " and pid <> pg_backend_pid()")
        for end, status in ((lambda process: process.kill(), -9), (lambda process: self.sql("postgres", cut), 2)):
            self.assertEqual(self.archive_and(end), status)
            self.assertEqual(self.sql("postgres", "select to_regclass('ledger_archive.journal_2026_01'), count(*) from ledger.archive"),
                             ["|0"])
            self.assertEqual(self.sql("postgres", "select shard, journal_no, amount from ledger.journal order by 1, 2"), whole)
            self.expect_right()
        self.assertIn(f"Moved {count} rows", self.done("period", "archive", "2026-01"))
        self.assertIn("archived before", self.done("period", "archive", "2026-01"))
        self.assertEqual(self.sql("postgres", "select shard, journal_no, amount from ledger.journal union all"
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
            self.expect_not_undone(address, operation, reference)
        self.done("balance", "reverse", BOB, "--of-application", "shop", "--of-operation", "capture", "--of-reference",
                  "taken-3", "--reference", "undo-taken-3")
        self.seal(7, "UTC")
        self.expect_right()


class Parts(January):
    """Seals are cut by the month as it was when they were made. Where [finance] time_zone has changed since, one may reach
    over the month's end: then its shard keeps rows that other shards have archived, and requests of several legs are
    archived in part."""

    def test_requests_of_several_legs_may_be_archived_in_part(self):
        shards = dict(line.split("|") for line in self.sql("postgres", "select address, shard from ledger.address"))
        self.assertNotEqual(shards[ALICE], shards[BOB])
        answers = self.january()
        self.post("charge", BOB, 10, "in-february")
        # January's last three, which are the split, the transfer and a reversal, are at 23:30 in UTC: it is February in
        # Paris. On Bob's shard they share their seal with what is February's everywhere.
        place = "row_number() over (order by recorded_at desc)"
        self.date_back(f"""timestamptz '2026-01-31 23:30Z' + case when {place} = 1 then interval '1 hour'
            when {place} <= 4 then - {place} * interval '1 second' else - {place} * interval '1 hour' end""")
        self.seal(7, "Europe/Paris")
        self.done("period", "close", "2026-01")
        self.expect_right()
        books = self.books()
        whole = self.sql("postgres", "select shard, journal_no, amount from ledger.journal order by 1, 2")

        # A month without rows leaves nothing, however often it is asked for.
        for command in ("close", "archive", "archive"):
            self.done("period", command, "2025-12")
        self.assertEqual(self.sql("postgres", "select to_regclass('ledger_archive.journal_2025_12')"), [""])

        def expect_parts(month, left):
            """Those legs of dinner and pocket-money are in the journal."""
            self.done("period", "archive", month)
            self.assertEqual(self.sql("postgres", f"""
                select j.reference, d.address from ledger.journal j join ledger.address d using (account_id)
                 where j.reference in ('dinner', 'pocket-money') and d.address in ('{ALICE}', '{BOB}') order by 1, 2"""), left)
            self.expect_right()
            for address, operation, reference, application in ((ALICE, "transfer", "pocket-money", "operator"),
                                                               (BOB, "charge", "song-1", "shop")):
                self.expect_not_undone(address, operation, reference, application)
            self.assertEqual(self.sql("ledgerline_service", f"""
                select x.o_outcome from (select r.shard, r.application_id from ledger.request r
                     where r.account_id = 0 and r.reference = 'dinner') r
                 cross join lateral ledger.reverse(r.shard, 0, r.application_id, r.application_id, 'split', 'dinner', 'undo-dinner',
                       gen_random_uuid(), null, 1000000000) x"""), ["unknown_charge"])
            self.assertEqual([answer.replace("replayed", "posted") for answer in self.january()], answers)

        expect_parts("2026-01", [f"dinner|{BOB}", f"pocket-money|{BOB}"])
        self.assertEqual(self.sql("postgres", """
            select shard, journal_no, amount from ledger.journal
             union all select shard, journal_no, amount from ledger_archive.journal_2026_01 order by 1, 2"""), whole)
        self.assertEqual(self.books(), books)
        # From what is archived on, whatever of before is still there.
        figures = self.expect_books(self.done("export", "journal", "--format", "hledger"), "infinity")
        self.expect_balances(figures, "infinity")

        # The share that is in the journal and one that is not are both given back, up to what they were.
        for person, cents in ((ALICE, 500), (BOB, 300), (CAROL, 200)):
            self.assertRegex(self.post("refund", person, cents + 1, "too-much", original="dinner"), "^beyond_charge")
            self.assertRegex(self.post("refund", person, cents, "back", original="dinner"), "^posted")
            self.expect_right()
        books = self.books()
        self.done("period", "close", "2026-02")
        expect_parts("2026-02", [])
        self.assertEqual(self.books(), books)
        self.assertRegex(self.post("refund", BOB, 1, "more", original="dinner"), "^beyond_charge")

    def test_what_citus_cannot_plan_is_refused_by_name(self):
        # By this function the program knows that the ledger is spread.
        self.sql("postgres", "create function ledger.post_shard() returns void language sql as 'select'")
        try:
            for command in (("audit", "verify"), ("period", "close", "2025-11"), ("period", "archive", "2025-11")):
                self.assertIn("does not work on a Citus cluster yet", self.refused(*command))
        finally:
            self.sql("postgres", "drop function ledger.post_shard()")


class AnOpenMonth(January):
    def test_it_is_not_archived_with_a_later_one(self):
        self.january()
        self.post("charge", BOB, 10, "in-february")
        place = "row_number() over (order by recorded_at desc)"
        self.date_back(f"timestamptz '2026-02-01 00:30Z' - ({place} - 1) * interval '1 hour'")
        self.seal(7, "UTC")
        self.done("period", "close", "2026-02")
        self.assertEqual(self.refused("period", "archive", "2026-02"),
                         "Refused: 2026-01 is not closed, and would be archived with it (period_open)\n")
        self.done("period", "close", "2026-01")
        self.assertIn("Moved ", self.done("period", "archive", "2026-02"))
        self.expect_right()
        self.assertEqual(self.rows("select to_char(month, 'YYYY-MM') from closed_months order by month"),
                         ["2026-01", "2026-02"])
        # Nobody has changed a journal that is only gone.
        self.assertEqual(self.refused("period", "close", "2025-12"),
                         "Refused: the journal of this month is archived: it can't be closed any more (archived)\n")


class ABusyMonth(January):
    """A month of as many seals as rows: a quiet ledger's, whose server seals every few seconds."""
    ROUNDS = 250
    SPLITS = 40

    def reads(self, table):
        """Rows of a table that were read so far, by all sessions that have ended."""
        rows, = self.sql("postgres", "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_all_tables"
                                     f" where relid = '{table}'::regclass")
        return int(rows)

    def test_what_reads_all_of_it_reads_it_a_few_times(self):
        self.sql("postgres", f"""
            do $$ begin
                for k in 1..{self.ROUNDS} loop
                    perform ledger.post_batch(
                        array_agg('charge'::ledger.operation), array_agg(d.shard), array_agg(d.account_id), null,
                        array_agg('main'::text), array_agg(1::bigint), array_agg(2::smallint), array_agg('EUR'::text),
                        array_agg(ledger.application_id('shop')), array_agg('tick-' || k), array_agg(gen_random_uuid()), null,
                        null, array_agg('revenue'::text), null, null, null, array_agg(null::text), array_agg(null::text),
                        1000000000, null)
                       from (select x.shard, x.account_id from ledger.address x order by 1, 2) d;
                end loop;
            end $$""")
        for number in range(self.SPLITS):
            self.split(100, f"split-{number}")
        self.date_back("recorded_at - (max(recorded_at) over () - timestamptz '2026-01-20 12:00Z')")
        self.seal(1, "UTC")
        rows, = map(int, self.sql("postgres", "select count(*) from ledger.journal"))
        self.assertEqual(self.sql("postgres", "select count(*) from ledger.seal"), [str(rows)])

        # The audit, where it has no room to keep all requests at hand.
        self.sql("postgres", "alter role ledgerline_service set work_mem = '64kB'")
        before = self.reads("ledger.request")
        self.expect_right()
        requests, = map(int, self.sql("postgres", "select count(*) from ledger.request"))
        self.assertLess(self.reads("ledger.request") - before, 30 * requests)

        self.done("period", "close", "2026-01")
        before = self.reads("ledger.seal")
        self.assertIn(f"Moved {rows} rows", self.done("period", "archive", "2026-01"))
        self.assertLess(self.reads("ledger.seal") - before, 30 * rows)
        self.assertLess(self.reads("ledger_archive.journal_2026_01"), 30 * rows)
        self.expect_right()


class Stopping(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-stopping-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.data_dir = os.path.join(self.folder, "var")

    def serve(self, **settings):
        return Server([LEDGERLINE, "serve", "--listen", "127.0.0.1:0", "--sip-listen", ""], self.folder,
                      dict(os.environ, **settings))

    def until_waiting(self, sessions, what="true"):
        """Until so many sessions of the database wait for a lock."""
        deadline = time.monotonic() + 60
        query = f"select count(*) from pg_stat_activity where wait_event_type = 'Lock' and {what}"
        while sql(self.data_dir, query, "postgres") != [str(sessions)]:
            self.assertLess(time.monotonic(), deadline, f"{sessions} that wait: {query}")
            time.sleep(0.02)

    def test_a_server_stops_while_finance_closes_or_archives(self):
        server = self.serve(LEDGERLINE_LEDGER_SWEEP_INTERVAL="100ms", LEDGERLINE_FINANCE_FREEZE_INTERVAL="1s")
        # Both keep this lock to their end.
        with locked(self.data_dir, "select from ledger.calendar for update"):
            self.until_waiting(1)
            self.assertEqual(server.stop(), 0, server.output)

    def test_the_database_gives_up_what_an_interrupted_command_wanted(self):
        server = self.serve(LEDGERLINE_LEDGER_SWEEP_INTERVAL="1d", LEDGERLINE_AUDIT_SEAL_INTERVAL="1d")
        self.addCleanup(server.stop)
        for command, session in ((("audit", "verify"), "operator"), (("export", "journal"), "finance")):
            with locked(self.data_dir, "lock table ledger.journal in access exclusive mode"), \
                    subprocess.Popen([LEDGERLINE, *command], cwd=self.folder, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL) as process:
                self.until_waiting(1, f"application_name = 'ledgerline {session}'")
                process.terminate()
                process.wait(timeout=60)
                self.until_waiting(0, f"application_name = 'ledgerline {session}'")


if __name__ == "__main__":
    unittest.main(verbosity=1)
