#!/usr/bin/python3
"""Finance's tools on books with a history: exports that hledger reads, the close of a month, the greeting of psql, and
docs/finance.md, whose every query is run and compared with the output that stands under it.

    finance_tools.py LEDGERLINE SOURCE-DIR [--write]     --write brings the page's outputs up to date
"""
import csv
import fcntl
import io
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
import unittest
from decimal import Decimal

from books import Books
from server import locked, run

WRITE = "--write" in sys.argv and sys.argv.remove("--write") is None
SOURCE_DIR = os.path.abspath(sys.argv.pop(2))
LEDGERLINE = os.path.abspath(sys.argv.pop(1))
PAGE = os.path.join(SOURCE_DIR, "docs", "finance.md")
ALICE, BOB, GONE = "tel:+15550001", "tel:+15550002", "tel:+15550003"
# Names that would end a field, a line, a comment or an account's name.
HOSTILE = 'a "song"; (two\u00a0 words) | x, y: z'

# What was done, in order; then the books are dated back, an entry every ten hours from the evening of 1 January on.
# The order of entries is kept, so they stay right; nobody can do this but a superuser with the triggers off.
HISTORY = (
    ("account", "domain", "example.com"),
    ("account", "balance-type", "example.com", "main", "EUR", "--priority", "2"),
    ("account", "balance-type", "example.com", "data", "bytes", "--priority", "1"),
    ("account", "open", ALICE, "--domain", "example.com"),
    ("account", "open", BOB, "--domain", "example.com"),
    ("account", "open", GONE, "--domain", "example.com"),
    ("balance", "credit", ALICE, "50.00", "EUR", "--balance", "main", "--reference", "topup-1"),
    ("balance", "credit", BOB, "20.00", "EUR", "--balance", "main", "--reference", "topup-2"),
    ("balance", "credit", ALICE, "1000000", "bytes", "--balance", "data", "--reference", "data-1"),
    ("charge", ALICE, "1.50", "song-1"),
    ("charge", ALICE, "2.50", "film-1"),
    ("charge", BOB, "0.99", "song-2", HOSTILE),
    ("refund", ALICE, "2.50", "film-1"),
    ("balance", "transfer", ALICE, BOB, "5.00", "EUR", "--reference", "gift-1"),
    ("charge", ALICE, "0.10", " ".join(f"call-{n}" for n in range(60))),  # sixty of them
    ("balance", "credit", GONE, "3.00", "EUR", "--balance", "main", "--reference", "topup-3"),
    ("charge", BOB, "4.00", "film-2"),
    ("balance", "adjust", BOB, "0.50", "EUR", "--reference", "fix-1", "--description", "goodwill"),
    ("balance", "reverse", BOB, "--of-application", "shop", "--of-operation", "charge", "--of-reference", "film-2",
     "--reference", "undo-1"),
    ("account", "close", GONE),
    ("charge", ALICE, "7.25", "film-3"),
)
# An account that closes is closed behind its last row.
CLOSED = """
    update ledger.account set closed_at = (select max(at) from moment where at < (select max(at) from moment))
     where closed_at is not null;"""


class FinanceTools(Books):
    ledgerline = LEDGERLINE
    time_zone = "Europe/Paris"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for step in HISTORY:
            cls.do(*step)
        cls.date_back("timestamptz '2026-01-01 20:00Z' + (row_number() over (order by recorded_at) - 1) * interval '10 hours'",
                      CLOSED)
        cls.done("period", "close", "2026-01", "--by", "A. Counter")
        assert "another time zone" not in cls.server.output  # nothing was cut when this one was set

    # What the history is made with ----------------------------------------------------------------------------------

    @classmethod
    def do(cls, verb, *arguments):
        if verb not in ("charge", "refund"):
            cls.done(verb, *arguments)
            return
        address, amount, reference, *text = arguments
        description = (text or [verb])[0].replace("'", "''")
        outcome = cls.sql("ledgerline_service", f"""
            select o_outcome[1]
              from ledger.address d
             cross join string_to_table('{reference}', ' ') reference
             cross join lateral ledger.post_batch(
                   '{{{verb}}}', array[d.shard], array[d.account_id], null, array[null],
                   array[{amount.replace('.', '')}], '{{2}}', '{{EUR}}', array[ledger.application_id('shop')],
                   array[reference], array[gen_random_uuid()], null, null, array['revenue'], null, array[false], null,
                   null, array['{description}'], 1000000000, interval '1 hour')
             where d.address = '{address}' and d.until is null""")
        assert set(outcome) == {"posted"}, (arguments, outcome)

    def test_hledger_reads_the_journal_and_agrees(self):
        whole = self.done("export", "journal", "--format", "hledger")
        figures = self.expect_books(whole, "infinity")
        self.expect_balances(figures, "infinity")
        period = self.done("export", "journal", "--format", "hledger", "--month", "2026-01")
        self.expect_books(period, "2026-01-31 22:59:59.999999Z")
        second = self.done("export", "journal", "--format", "hledger", "--from", "2026-01-20", "--to",
                           "2026-01-25T12:00+01:00")
        self.expect_books(second, "2026-01-25 10:59:59.999999Z")
        # What was before is dated before: a report of the period alone shows what the period earned.
        income = self.hledger(second, "balance", "--flat", "--invert", "--no-total", "-b", "2026-01-20", "income:shop")
        net, = self.rows("select sum(-amount) from journal where contra = 'revenue' and application = 'shop' and recorded_at >= '2026-01-20 "
                         "00:00+01' and recorded_at < '2026-01-25 12:00+01'")
        self.assertEqual(income, {("income:shop", "EUR"): Decimal(net)})

    def test_hledger_reads_trial_balances_and_statements(self):
        for month, last in (("2026-01", "2026-01-31 22:59:59.999999Z"), ("2026-02", "2026-02-28 22:59:59.999999Z")):
            text = self.done("export", "trial-balance", "--format", "hledger", "--month", month)
            self.expect_books(text, last)
        for options, at in ((("--month", "2026-01"), "2026-01-31 22:59:59.999999Z"), ((), "infinity"),
                            (("--from", "2027-01-01"), "infinity")):
            text = self.done("export", "statement", ALICE, "--format", "hledger", *options)
            figures = self.hledger(text, "balance", "--flat", "--invert", "--no-total", "liabilities:customers")
            for balance, unit in (("main", "EUR"), ("data", "bytes")):
                expected, = self.rows(f"select balance_at('{ALICE}', '{balance}', '{at}')")
                self.assertEqual(figures[f"liabilities:customers:{ALICE}:{balance}", unit], Decimal(expected), options)

    # CSV ------------------------------------------------------------------------------------------------------------

    def csv(self, *arguments, one_line_each=True):
        # As bytes: lines end as RFC 4180 has them.
        text = subprocess.run([LEDGERLINE, *arguments], cwd=self.folder, capture_output=True, timeout=60,
                              check=True).stdout.decode()
        if one_line_each:
            self.assertEqual(text.count("\r\n"), text.count("\n"))
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def test_csv_has_what_the_views_have(self):
        journal = self.csv("export", "journal")
        self.assertEqual(len(journal), int(self.rows("select count(*) from journal")[0]))
        self.assertEqual(list(journal[0])[:11],
                         ["recorded_at", "effective_at", "address", "balance_type", "unit", "amount", "kind",
                          "application", "reference_code", "description", "balance_after"])
        self.assertIn(HOSTILE, [row["description"] for row in journal])
        self.assertEqual(sorted(row["recorded_at"] for row in journal), [row["recorded_at"] for row in journal])
        statement = self.csv("export", "statement", ALICE, "--month", "2026-01")
        self.assertEqual([(row["reference_code"], row["amount"], row["balance_after"]) for row in statement],
                         [tuple(row.split("|")) for row in self.rows(
                             "select reference_code, amount, balance_after from statement("
                             f"'{ALICE}', '2026-01-01 00:00+01', '2026-02-01 00:00+01')")])
        self.assertEqual(statement[0]["recorded_at"], "2026-01-01T20:00:00.000000Z")
        # A mistyped address is none that had no postings, as one of an account that is closed may be.
        self.assertIn("15559999 never was an account's address", self.refused("export", "statement", "tel:+15559999"))
        self.assertEqual(self.csv("export", "statement", GONE, "--month", "2027-01"), [])
        self.assertEqual(len(self.rows(f"select domain from holders_of('{GONE}') where until is not null")), 1)
        balance = self.csv("export", "trial-balance", "--month", "2026-01")
        for unit in ("EUR", "bytes"):
            for column in ("opening", "change", "closing"):
                self.assertEqual(sum(Decimal(row[column]) for row in balance if row["unit"] == unit), 0)
        closed = self.rows("select balances from closed_months where unit = 'EUR'")
        self.assertEqual([row["closing"] for row in balance if (row["unit"], row["account"]) == ("EUR", "customers")],
                         closed)

    def test_a_file_appears_once_it_is_whole(self):
        path = os.path.join(self.folder, "journal.csv")
        self.assertRegex(self.done("export", "journal", "--output", path), r"^Wrote \d+ rows to ")
        with open(path, newline="", encoding="utf-8") as file:
            self.assertTrue(file.readline().startswith("recorded_at,"))
        self.assertFalse(os.path.exists(path + ".part"))
        # For its owner alone, unless more may read the one that it takes the place of.
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        os.chmod(path, 0o640)
        self.done("export", "journal", "--output", path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)
        for arguments in (("journal", "--output", os.path.join(self.folder, "no", "where.csv")),
                          ("journal", "--month", "2026-13"), ("journal", "--from", "yesterday"), ("journal", "--json"),
                          ("journal", "--month", "2026-01", "--from", "2026-01-01"), ("journal", "--format", "xml"),
                          ("trial-balance", "--from", "2026-02-01", "--to", "2026-01-01")):
            output, errors, status = run([LEDGERLINE, "export", *arguments], cwd=self.folder)
            self.assertEqual((output, status), ("", 2), arguments)
            self.assertNotEqual(errors, "")
        with open("/dev/full", "w", encoding="utf-8") as device:
            full = subprocess.run([LEDGERLINE, "export", "journal"], cwd=self.folder, stdout=device,
                                  stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(full.returncode, 2, full.stderr)

    def test_a_file_takes_the_place_of_no_device_and_of_no_other_export(self):
        # /dev/null is no file that root may replace; a pipe stands for it.
        pipe, path, link = (os.path.join(self.folder, name) for name in ("pipe", "whole.csv", "link.csv"))
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.done("export", "trial-balance", "--output", pipe)
        self.assertEqual(os.read(reader, 100000).decode().replace("\r\n", "\n"), self.done("export", "trial-balance"))
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))
        # A link goes on leading where it led.
        with open(path, "w", encoding="utf-8") as file:
            file.write("before")
        os.symlink("whole.csv", link)
        # Another export of that file is under way.
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write("half")
            file.flush()
            fcntl.flock(file, fcntl.LOCK_EX)
            output, errors, status = run([LEDGERLINE, "export", "trial-balance", "--output", link], cwd=self.folder)
            self.assertEqual((output, status), ("", 2))
            self.assertIn("another export", errors)
            with open(path, encoding="utf-8") as whole, open(path + ".part", encoding="utf-8") as part:
                self.assertEqual((whole.read(), part.read()), ("before", "half"))
        # What one left that was killed is in nobody's way.
        self.done("export", "trial-balance", "--output", link)
        self.assertEqual(os.readlink(link), "whole.csv")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), self.done("export", "trial-balance"))

    def test_an_export_that_is_ended_leaves_nothing(self):
        path = os.path.join(self.folder, "ended.csv")
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with open(path, "w", encoding="utf-8") as file:
                file.write("before")
            with locked(self.data_dir, "lock table ledger.journal"):
                process = subprocess.Popen([LEDGERLINE, "export", "journal", "--output", path], cwd=self.folder)
                while self.sql("postgres", waiting) == ["0"]:
                    self.assertIsNone(process.poll())
                self.assertTrue(os.path.exists(path + ".part"))
                process.send_signal(end)
                self.assertEqual(process.wait(timeout=60), -end)
            self.assertFalse(os.path.exists(path + ".part"), end)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), "before")

    def test_who_only_reads_makes_no_tables(self):
        for table in ("temporary table x", "table finance.x", "table public.x"):
            _, errors, status = run([LEDGERLINE, "psql", "--", "-c", f"begin read write; create {table} (y integer)"],
                                    cwd=self.folder)
            self.assertEqual(status, 1)
            self.assertIn("permission denied", errors)

    # Terminals ------------------------------------------------------------------------------------------------------

    def on_terminal(self, *arguments, send=b"", stdout=None, until=None):
        """What a person sees whose terminal is standard input and error, and output unless it goes elsewhere."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([LEDGERLINE, *arguments], cwd=self.folder, stdin=theirs, stderr=theirs,
                                   stdout=theirs if stdout is None else stdout, close_fds=True,
                                   env=dict(os.environ, PAGER="cat", TERM="dumb"))
        os.close(theirs)
        seen = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(ours, 65536)
            except OSError:
                break  # the other end is closed
            if not part:
                break
            seen += part
            if until and until in seen:
                os.write(ours, send)
                until = None
        os.close(ours)
        self.assertEqual(process.wait(timeout=60), 0, seen)
        return seen.decode()

    def test_long_commands_show_how_far_they_are(self):
        seen = self.on_terminal("export", "journal", stdout=subprocess.DEVNULL)
        self.assertRegex(seen, r"\[#{20}\] \d+/\d+ rows exported")
        self.assertTrue(seen.endswith("\r\x1b[K"), "gone when it is done")
        self.assertRegex(self.on_terminal("audit", "verify", stdout=subprocess.DEVNULL), r"\[#+ +\] \d+/\d+ each balance")

    def test_psql_greets_people_with_views_functions_and_examples(self):
        seen = self.on_terminal("psql", send=b"\\q\n", until=b"=>")
        greeting = seen.replace("\r", "")
        for view in self.rows("select viewname from pg_views where schemaname = 'finance'"):
            self.assertRegex(greeting, rf"(?m)^  {view} +\w")
        for function in ("statement", "balance_at", "trial_balance_at"):
            self.assertRegex(greeting, rf"(?m)^  {function}\(")
        examples = re.findall(r"(?m)^  (select .*;)$", greeting)
        self.assertGreaterEqual(len(examples), 4, greeting)
        for example in examples:
            self.rows(example)

    # Months ---------------------------------------------------------------------------------------------------------

    def test_a_month_closes_once_it_is_over(self):
        self.assertIn("was closed before", self.done("period", "close", "2026-01"))
        output, errors, status = run([LEDGERLINE, "period", "close", "2999-01"], cwd=self.folder)
        self.assertEqual((output, status), ("", 1))
        self.assertIn("(period_open)", errors)
        listed = self.done("period", "list")
        self.assertRegex(listed, r"2026-01 +EUR +[\d.]+ +-[\d.]+ +0\.00 .* A\. Counter")
        self.assertEqual(self.rows("select count(*) from control_totals where day < '2026-02-01' and not is_frozen"), ["0"])
        self.assertIn("Everything agrees.", self.done("audit", "verify"))

    # The page -------------------------------------------------------------------------------------------------------

    def test_the_cookbook_says_what_comes_out(self):
        with open(PAGE, encoding="utf-8") as file:
            page = file.read()
        recipe = re.compile(r"```sql\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)
        self.assertEqual(len(recipe.findall(page)), page.count("```sql"), "a query without its output")
        self.assertGreaterEqual(page.count("```sql"), 10)

        def answer(match):
            output, errors, status = run([LEDGERLINE, "psql", "--", "-X", "-P", "footer=off", "-P", "null=-",
                                          "-v", "ON_ERROR_STOP=1", "-c", match.group(1)], cwd=self.folder,
                                         env=dict(os.environ, PGTZ="Europe/Paris"))
            self.assertEqual((status, errors), (0, ""), match.group(1))
            lines = "\n".join(line.rstrip() for line in output.splitlines()).strip("\n")
            return f"```sql\n{match.group(1)}```\n\n```text\n{lines}\n```\n"

        answered = recipe.sub(answer, page)
        if WRITE:
            with open(PAGE, "w", encoding="utf-8") as file:
                file.write(answered)
        else:
            self.assertEqual(answered, page)

    # Archiving: the last of these tests by its name, since the others look at what it takes away --------------------

    def test_what_is_archived_is_still_in_the_books(self):
        before = self.rows("select * from trial_balance order by unit")
        january = self.rows("select * from control_totals where day < '2026-02-01' order by 1, 2, 3, 4")
        self.assertEqual(self.refused("period", "archive", "2026-01"), "Refused: the month is not sealed yet (period_open)\n")
        self.seal(10, "Europe/Paris")
        self.assertIn("not closed", run([LEDGERLINE, "period", "archive", "2026-02"], cwd=self.folder)[1])
        count, = self.rows("select count(*) from journal where recorded_at < '2026-02-01 00:00+01'")
        self.assertIn(f"Moved {count} rows to ledger_archive.journal_2026_01.", self.done("period", "archive", "2026-01"))
        self.assertIn("archived before", self.done("period", "archive", "2026-01"))

        self.assertEqual(self.rows("select min(recorded_at) >= '2026-02-01 00:00+01' from journal"), ["t"])
        self.assertEqual(self.sql("postgres", "select count(*) from ledger_archive.journal_2026_01"), [count])
        self.assertEqual(self.rows("select * from trial_balance order by unit"), before)
        self.assertEqual(self.rows("select * from control_totals where day < '2026-02-01' order by 1, 2, 3, 4"), january)
        self.assertIn(f"{count} are archived", self.done("audit", "verify"))
        # The moment at which it ends is what the rest begins with; what was before can't be told any more.
        figures = self.rows("select unit, balances from trial_balance_at(timestamptz '2026-02-01 00:00+01' - interval "
                            "'1 microsecond') order by unit")
        self.assertEqual(figures, self.rows("select unit, balances from closed_months order by unit"))
        for question in (f"balance_at('{ALICE}', 'main', '2026-01-20')", "trial_balance_at('2026-01-20')",
                         f"statement('{ALICE}', '2026-01-02', '2026-01-05')", f"opening_of('{ALICE}', '2026-01-02', null)"):
            self.assertIn("is archived", run([LEDGERLINE, "psql", "--", "-c", f"select {question}"], cwd=self.folder)[1])
        for export in (("statement", ALICE), ("journal",), ("journal", "--format", "hledger"), ("trial-balance",)):
            self.assertIn("is archived", self.refused("export", *export, "--month", "2026-01"))
        # Also where it is only said when it ends.
        for question in ("statement", "journal_of", "opening_of"):
            for to in ("2026-01-20", "2026-02-01 00:00+01"):
                self.assertIn("is archived", run([LEDGERLINE, "psql", "--", "-c", f"select {question}('{ALICE}', null, '{to}')"],
                                                 cwd=self.folder)[1])
        for export in (("statement", ALICE), ("journal",), ("journal", "--format", "hledger")):
            self.assertIn("is archived", self.refused("export", *export, "--to", "2026-02-01"))
        self.done("export", "statement", ALICE, "--to", "2026-02-02")
        self.expect_books(self.done("export", "journal", "--format", "hledger", "--month", "2026-02"),
                          "2026-02-28 22:59:59.999999Z")
        # Without a period they begin with what the archived rows came to.
        whole = self.expect_books(self.done("export", "journal", "--format", "hledger"), "infinity")
        self.expect_balances(whole, "infinity")
        self.expect_books(self.done("export", "trial-balance", "--format", "hledger"), "infinity")
        for address in (ALICE, BOB):  # of Bob all is archived
            statement = self.hledger(self.done("export", "statement", address, "--format", "hledger"), "balance", "--flat",
                                     "--invert", "--no-total", "liabilities:customers")
            self.assertEqual(statement, {key: amount for key, amount in whole.items() if f":{address}:" in key[0]})
        self.assertEqual(len(self.csv("export", "journal")), int(self.rows("select count(*) from journal")[0]))

        # Nothing that needs archived rows is done by halves; everything else goes on.
        output, errors, status = run([LEDGERLINE, "balance", "reverse", ALICE, "--of-application", "operator",
                                      "--of-operation", "transfer", "--of-reference", "gift-1", "--reference", "undo-2"],
                                     cwd=self.folder)
        self.assertEqual((output, status), ("", 1), errors)
        self.assertIn("unknown_charge", errors)
        # Requests are not archived: what was done is known, and is not done again.
        books = self.rows("select * from trial_balance order by unit")
        for again in (("balance", "reverse", BOB, "--of-application", "shop", "--of-operation", "charge",
                       "--of-reference", "film-2", "--reference", "undo-1"),
                      ("balance", "transfer", ALICE, BOB, "5.00", "EUR", "--reference", "gift-1"),
                      ("balance", "adjust", BOB, "0.50", "EUR", "--reference", "fix-1", "--description", "goodwill"),
                      ("balance", "credit", BOB, "20.00", "EUR", "--balance", "main", "--reference", "topup-2")):
            self.assertRegex(self.done(*again), "(?i)replayed|before", again)
        output, errors, status = run([LEDGERLINE, "balance", "reverse", BOB, "--of-application", "shop",
                                      "--of-operation", "charge", "--of-reference", "film-2", "--reference", "undo-3"],
                                     cwd=self.folder)
        self.assertEqual((output, status), ("", 1), "undone once")
        self.assertEqual(self.rows("select * from trial_balance order by unit"), books)
        self.do("refund", ALICE, "1.50", "song-1")
        self.do("charge", ALICE, "1.00", "song-9")
        self.assertIn("Everything agrees.", self.done("audit", "verify"))
        for statement in ("delete from ledger.journal", "update ledger.journal set amount = 1",
                          "delete from ledger.archive"):
            with self.assertRaisesRegex(AssertionError, "immutable"):
                self.sql("postgres", statement)

    # After that one: the journal gets rows that belong to no request ------------------------------------------------

    def memory_of_export(self, *arguments):
        """The most memory that an export took (VmHWM, in kB), and how many lines it wrote."""
        peak = lines = 0
        with subprocess.Popen([LEDGERLINE, "export", *arguments], cwd=self.folder, stdout=subprocess.PIPE) as process:
            while piece := process.stdout.read1(1 << 20):
                lines += piece.count(b"\n")
                with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                    peak = max([peak] + [int(line.split()[1]) for line in status if line.startswith("VmHWM")])
        self.assertEqual(process.returncode, 0)
        self.assertGreater(peak, 0)
        return peak, lines

    def test_with_many_rows_an_export_takes_no_more_memory(self):
        def grow(rows):
            self.sql("postgres", f"""
                set session_replication_role = replica;
                insert into ledger.journal
                select (x).*
                  from (select json_populate_record(j, json_build_object('journal_no', j.journal_no + n, 'seq', j.seq + n)) as x
                          from ledger.journal j, generate_series(1, {rows}) n
                         where (j.shard, j.journal_no) = (select y.shard, y.journal_no from ledger.journal y
                                                           order by y.shard desc, y.journal_no desc limit 1)
                        offset 0) z""")
        formats = ("csv", "hledger")
        grow(10_000)
        before = [self.memory_of_export("journal", "--format", each) for each in formats]
        grow(240_000)
        for each, (small, few) in zip(formats, before):
            big, many = self.memory_of_export("journal", "--format", each)
            self.assertGreaterEqual(many, few + 240_000)
            # As results of the database these rows would take over 120 MB; what the allocator keeps for later
            # came to 16 MB once.
            self.assertLess(big, small + 32_000, f"{few} lines: {small} kB, {many} lines: {big} kB")
        # A database that is out of disk says so, and has not gone away.
        self.sql("postgres", "alter role ledgerline_finance set temp_file_limit = '1MB'")
        output, errors, status = run([LEDGERLINE, "export", "journal"], cwd=self.folder)
        self.assertEqual((output, status), ("", 2))
        self.assertRegex(errors, "^ledgerline: the database could not do this, nothing was changed: .*temporary file size")
        self.sql("postgres", "alter role ledgerline_finance reset temp_file_limit")
        output, errors, status = run([LEDGERLINE, "audit", "verify"], cwd=self.folder)
        self.assertEqual(status, 1, errors)
        self.assertRegex(output, r"^WRONG: each shard's journal ends where its next number says, but not: .*\"shard\":\d+")

    def test_with_hostile_text_csv_is_read_as_it_was_written(self):
        texts = ["=1+1", "=HYPERLINK(\"http://x\")", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\tx", "-12.5", "+49123", "-", "",
                 " ", "a\nb", "a\r\nb", '"', '""",', "a,b", "\u00e4\u20ac", "';--", "\\", "\\n", "a" * 200]
        for n, text in enumerate(texts):
            self.do("charge", ALICE, "0.01", f"hostile-{n}", text)
        rows = {row["reference_code"]: row["description"] for row in self.csv("export", "journal", "--from", "2026-02-01",
                                                                           one_line_each=False)}
        formulas = texts[:6] + ["-"]
        for n, text in enumerate(texts):
            self.assertEqual(rows[f"hostile-{n}"], "'" + text if text in formulas else text)
        self.expect_books(self.done("export", "journal", "--format", "hledger", "--from", "2026-02-01"), "infinity")


if __name__ == "__main__":
    unittest.main(verbosity=1)
