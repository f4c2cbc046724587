#!/usr/bin/python3
"""The operator's subcommands, each against a real server's ledger, and what finance sees of it.

    operator_commands.py LEDGERLINE
"""
import json
import os
import re
import signal
import subprocess
import sys
import unittest

from demo_case import DemoCase
from server import Server, run, sql

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
UTC = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"


class OperatorCommands(DemoCase):
    program = LEDGERLINE
    accounts = 0

    def tearDown(self):
        self.assertEqual(self.rows("select unit, total from trial_balance where total <> 0"), [])

    # Ways to run a command ------------------------------------------------------------------------------------------

    def ledgerline(self, *arguments):
        return run([LEDGERLINE, *arguments], cwd=self.folder)

    def done(self, *arguments):
        """The sentence of a command that does what it is told."""
        output, errors, status = self.ledgerline(*arguments)
        self.assertEqual((status, errors), (0, ""), arguments)
        return output

    def json(self, *arguments):
        return json.loads(self.done(*arguments, "--json"))

    def refused(self, outcome, *arguments):
        """Why: in plain words for people, with the outcome's name for programs. The books stay as they are."""
        before = self.rows("select count(*) from journal")
        output, errors, status = self.ledgerline(*arguments)
        self.assertEqual((status, output), (1, ""), (arguments, errors))
        match = re.fullmatch(r"Refused: (.+) \((\w+)\)\n", errors)
        self.assertTrue(match, errors)
        self.assertEqual(match.group(2), outcome)
        output, errors, status = self.ledgerline(*arguments, "--json")
        self.assertEqual((status, errors), (1, ""), arguments)
        self.assertEqual(json.loads(output), {"outcome": outcome, "reason": match.group(1)})
        self.assertEqual(self.rows("select count(*) from journal"), before)
        return match.group(1)

    def misused(self, *arguments):
        output, errors, status = self.ledgerline(*arguments)
        self.assertEqual((status, output), (2, ""), (arguments, errors))
        return errors

    # What the tests start from --------------------------------------------------------------------------------------

    def new_address(self):
        OperatorCommands.accounts += 1
        return f"tel:+1777{self.accounts:04}"

    def new_account(self, *options, main="100.00", bonus=None):
        address = self.new_address()
        self.done("account", "open", address, "--domain", "example.com", *options)
        for balance, amount in (("main", main), ("bonus", bonus)):
            if amount:
                self.done("balance", "credit", address, amount, "EUR", "--balance", balance, "--reference",
                          f"start-{balance}")
        return address

    def posted(self, address):
        return dict(row.split("|") for row in
                    self.rows(f"select balance_type, posted from balances where address = '{address}'"))

    def charge(self, address, amount, reference):
        self.done("charge", address, amount, "EUR", "--reference", reference)

    def place_hold(self, address, amount):
        """A hold of demo-app; its identifier."""
        outcome, = sql(self.data_dir, f"""
            select o_outcome[1] || ' ' || lpad(to_hex(a.shard::integer), 4, '0') || replace(o_hold[1]::text, '-', '')
              from ledger.address d
              join ledger.account a on a.shard = d.shard and a.account_id = d.account_id
             cross join lateral ledger.post_batch(
                   '{{hold}}', array[a.shard], array[a.account_id], null, array[null], array[{amount}], '{{0}}',
                   '{{EUR}}', array[ledger.application_id('demo-app')], array[gen_random_uuid()::text],
                   array[gen_random_uuid()], null, array[gen_random_uuid()], array[null], null, null, null, null,
                   array['a film'], 1000000000, interval '1 hour')
             where d.address = '{address}' and d.until is null""")
        posted, hold = outcome.split()
        self.assertEqual(posted, "posted")
        return hold

    # Accounts -------------------------------------------------------------------------------------------------------

    def test_pins(self):
        address, file = "tel:+15550090", os.path.join(self.folder, "pin")
        for text, complaint in (("4711\n", ""), ("471\n", "4 to 64 characters"), ("47 11\n", "no spaces"),
                                ("", "it is empty")):
            with open(file, "w", encoding="utf-8") as output:
                output.write(text)
            _, errors, status = self.ledgerline("account", "pin", address, "--file", file)
            self.assertEqual(status, 2 if complaint else 0, errors)
            self.assertIn(complaint, errors)
        self.assertIn("without a terminal, --file is needed", self.ledgerline("account", "pin", address)[1])
        self.assertTrue(self.json("account", "show", address)["pin"])
        self.done("account", "pin", address, "--clear")
        self.assertFalse(self.json("account", "show", address)["pin"])
        self.refused("no_pin", "account", "pin", address, "--clear")
        self.assertEqual(self.rows(f"select act, details from trail where subject = '{address}' order by event_no"),
                         ["account.pin|set", "account.pin|taken away"])

    def test_an_act_and_its_row_in_the_trail_are_both_written_or_neither(self):
        address = self.new_account()
        other = "tel:+18885550999"
        hold = self.place_hold(address, 5)
        acts = (
            ("account.open", "account", "open", other, "--domain", "example.com"),
            ("account.suspend", "account", "suspend", address),
            ("voucher.create", "voucher", "create", "both", "1", "EUR", "--domain", "example.com", "--balance", "main"),
            ("balance.credit", "balance", "credit", address, "5", "EUR", "--reference", "both"),
            ("balance.adjust", "balance", "adjust", address, "1", "EUR", "--reference", "both", "--description", "x"),
            ("hold.release", "hold", "release", hold),
            ("period.close", "period", "close", "2020-01"),
        )
        written = f"""select (select count(*) from journal) || ' ' || (select count(*) from trail) || ' ' ||
            (select count(*) from vouchers) || ' ' || (select count(*) from closed_months) || ' ' ||
            (select count(*) from accounts) || ' ' || (select count(*) from holds where state = 'open') || ' ' ||
            (select state from accounts where address = '{address}')"""
        names = ", ".join(f"'{act[0]}'" for act in acts)
        before = self.rows(written)
        sql(self.data_dir, f"alter table trail.event add constraint away check (act not in ({names})) not valid",
            "postgres")
        try:
            for name, *arguments in acts:
                output, errors, status = self.ledgerline(*arguments)
                self.assertEqual((output, status), ("", 2), (arguments, errors))
                self.assertIn("away", errors)
                self.assertEqual(self.rows(written), before, name)
        finally:
            sql(self.data_dir, "alter table trail.event drop constraint away", "postgres")
        for name, *arguments in acts[3:]:
            self.assertEqual(self.ledgerline(*arguments)[2], 0, arguments)
            self.assertEqual(self.rows("select act from trail order by event_no desc limit 1"), [name])

    def test_every_subcommand_explains_itself_with_an_example(self):
        for group, count in (("account", 14), ("audit", 1), ("balance", 8), ("export", 3), ("hold", 3), ("period", 3),
                             ("rule", 4), ("tariff", 8), ("user", 12), ("voucher", 6)):
            output = self.done(group, "--help")
            subcommands = re.findall(r"^  ([a-z-]+) {2,}", output.split("Subcommands:")[1], re.MULTILINE)
            self.assertEqual(len(subcommands), count, output)
            self.assertRegex(output, rf"Example:\n  ledgerline {group} \w")
            for subcommand in subcommands:
                output = self.done(group, subcommand, "--help")
                self.assertRegex(output, rf"Example:\n  ledgerline {group} {subcommand}\b")
                if subcommand == "rights":
                    continue  # it needs no database
                for option in ("--config", "--data-dir", "--database", "--json"):
                    self.assertIn(option, output)

    def test_a_subcommand_that_is_none_is_named(self):
        for words, seen in ((["bogus"], "ledgerline"), (["user", "pasword", "shop"], "ledgerline user")):
            self.assertEqual(self.misused(*words),
                             f"ledgerline: there is no subcommand '{words[min(1, len(words) - 1)]}'; see {seen} --help\n")

    def test_account_open_and_show(self):
        output = self.done("account", "open", "+1 (888) 555-0001", "sip:dora@EXAMPLE.com", "tel:+18885550001", "--domain",
                           "Example.com", "--spending-order")
        self.assertRegex(output, r"^Opened account \d+ in example.com: tel:\+18885550001, sip:dora@example.com\.")
        self.assertEqual(self.rows("select domain, state, spending_order, addresses from accounts "
                                   "where address = 'tel:+18885550001'"),
                         ["example.com|active|t|{tel:+18885550001,sip:dora@example.com}"])
        shown = self.json("account", "show", "sip:dora@example.com")
        self.assertEqual((shown["address"], shown["state"], shown["spending_order"], shown["default_balance"],
                          shown["closed_at"], shown["open_holds"], shown["balances"]),
                         ("tel:+18885550001", "active", True, None, None, 0, []))
        self.assertEqual(shown["addresses"], ["tel:+18885550001", "sip:dora@example.com"])
        self.assertRegex(shown["opened_at"], UTC)
        output = self.done("account", "show", "tel:+15550001")
        self.assertRegex(output, r"(?m)^default_balance  main$")
        self.assertRegex(output, r"(?m)^main +EUR +100\.00 +0\.00 +0\.00 +100\.00 +- +20  yes$")

        self.assertIn("sip:dora@example.com belongs to account",
                      self.refused("address_taken", "account", "open", "tel:+18885550002", "sip:dora@example.com",
                                   "--domain", "example.com"))
        self.refused("unknown_account", "account", "show", "tel:+18885550002")
        self.refused("unknown_domain", "account", "open", "tel:+18885550002", "--domain", "nowhere.example")
        for no_address in ("dora", "tel:", "sip:do ra@example.com", "tel:+1\x1b[31m", "tel:" + 2000 * "1"):
            self.assertIn("is no address", self.misused("account", "open", no_address, "--domain", "example.com"))
        self.assertIn("is no domain", self.misused("account", "open", "tel:+18885550002", "--domain", "a b"))

    def test_account_list(self):
        output, errors, status = self.ledgerline("account", "list", "--limit", "2")
        self.assertEqual((status, errors), (0, "There are more accounts; --limit shows more.\n"))
        heading, first, second = output.splitlines()
        self.assertEqual(heading.split()[:3], ["account_id", "address", "domain"])
        self.assertEqual([line.split()[1] for line in (first, second)], ["tel:+15550001", "tel:+15550002"])
        self.assertEqual(first.index("example.com"), heading.index("domain"))
        self.done("account", "domain", "list.example")
        self.assertEqual(self.done("account", "list", "--domain", "list.example"), "No accounts.\n")
        self.assertEqual(self.json("account", "list", "--domain", "list.example"), [])
        self.done("account", "open", "tel:+18885550009", "--domain", "list.example")
        listed, = self.json("account", "list", "--domain", "LIST.example")
        self.assertEqual((listed["address"], listed["addresses"]), ("tel:+18885550009", ["tel:+18885550009"]))
        self.misused("account", "list", "--limit", "0")
        self.refused("unknown_domain", "account", "list", "--domain", "lost.example")

    def test_account_suspend_and_resume(self):
        address = self.new_account()
        hold = self.place_hold(address, 5)
        self.assertIn("is suspended", self.done("account", "suspend", address))
        self.assertEqual(self.rows(f"select state from accounts where address = '{address}'"), ["suspended"])
        _, errors, status = self.ledgerline("charge", address, "1", "EUR", "--reference", "no")
        self.assertEqual(status, 1, errors)
        self.refused("account_suspended", "balance", "transfer", address, "tel:+15550003", "1", "EUR", "--reference", "no")
        self.done("balance", "credit", address, "1", "EUR", "--reference", "yes")
        self.done("hold", "release", hold)
        self.assertIn("is active", self.done("account", "resume", address))
        self.charge(address, "1", "again")

    def test_account_close(self):
        address = self.new_account(bonus="5")
        hold = self.place_hold(address, 30)
        self.assertIn(f"ledgerline hold list {address}", self.refused("open_holds", "account", "close", address))
        self.done("hold", "release", hold)
        self.assertIn("Written off: 100.00 EUR (main), 5.00 EUR (bonus).", self.done("account", "close", address))
        self.assertEqual(self.rows(f"select state, addresses from accounts where address = '{address}'"), ["closed|{}"])
        self.assertEqual(self.posted(address), {"main": "0.00", "bonus": "0.00"})
        self.assertEqual(self.rows("select kind, amount, contra, application, description from journal "
                                   f"where address = '{address}' and kind = 'closing' order by amount"),
                         ["closing|-100.00|written_off|operator|closed by the operator",
                          "closing|-5.00|written_off|operator|closed by the operator"])
        reason = self.refused("unknown_account", "account", "close", address)
        self.assertRegex(reason, r"is no account's address any more: account \d+ had it until 20")
        empty = self.new_account(main=None)
        self.assertEqual(self.json("account", "close", empty), {"outcome": "done", "written_off": []})

    def test_account_addresses(self):
        address, other = self.new_account(), self.new_account()
        new = "sip:" + address[5:] + "@example.com"
        self.assertIn(f"{new} is an address of {address} now.", self.done("account", "add-address", address, new))
        self.assertEqual(self.json("account", "show", new)["address"], address)
        self.refused("address_taken", "account", "add-address", other, new)
        self.refused("only_address", "account", "release-address", other)
        # The server learns at once that the address moved.
        self.charge(new, "1", "before")
        self.done("account", "release-address", new)
        self.refused("unknown_account", "account", "show", new)
        self.done("account", "add-address", other, new)
        self.charge(new, "2", "after")
        self.assertEqual((self.posted(address)["main"], self.posted(other)["main"]), ("99.00", "98.00"))
        self.done("account", "release-address", other)
        self.assertEqual(self.json("account", "show", new)["addresses"], [new])

    def test_account_spending(self):
        address = self.new_account(main="3", bonus="2")
        self.assertIn("by priority", self.done("account", "spending-order", address, "on"))
        self.charge(address, "4", "both")
        self.assertEqual(self.posted(address), {"bonus": "0.00", "main": "1.00"})
        self.done("account", "spending-order", address, "off")
        self.done("account", "default-balance", address, "bonus")
        self.assertEqual(self.rows("select spending_order, default_balance from accounts "
                                   f"where address = '{address}'"), ["f|bonus"])
        self.done("balance", "credit", address, "7", "EUR", "--reference", "to-the-default")
        self.assertEqual(self.posted(address), {"bonus": "7.00", "main": "1.00"})
        self.refused("unknown_balance", "account", "default-balance", address, "data")
        self.misused("account", "spending-order", address, "maybe")

    def test_account_domains(self):
        self.done("account", "domain", "New.example")
        self.done("account", "domain", "new.example")
        self.assertIn("count in KWD, with priority 7",
                      self.done("account", "balance-type", "new.example", "hold", "KWD", "--priority", "7"))
        self.done("account", "open", "tel:+18885550020", "--domain", "new.example")
        self.done("balance", "credit", "tel:+18885550020", "1.234", "KWD", "--balance", "hold", "--reference", "R")
        self.assertEqual(self.rows("select balance_type, unit, posted, priority from balances "
                                   "where address = 'tel:+18885550020'"), ["hold|KWD|1.234|7"])
        self.done("account", "balance-type", "new.example", "hold", "KWD", "--priority", "8")
        self.refused("wrong_unit", "account", "balance-type", "new.example", "hold", "EUR", "--priority", "8")
        self.refused("unknown_unit", "account", "balance-type", "new.example", "gold", "XAU", "--priority", "8")
        self.refused("unknown_domain", "account", "balance-type", "other.example", "x", "EUR", "--priority", "8")
        self.misused("account", "balance-type", "new.example", "x", "EUR")
        self.misused("account", "balance-type", "new.example", "x", "EUR", "--priority", "40000")

    # Balances -------------------------------------------------------------------------------------------------------

    def test_balance_open_and_show(self):
        address = self.new_account(main=None)
        self.assertEqual(self.done("balance", "show", address), "The account has no balances.\n")
        self.assertEqual(self.done("balance", "open", address, "main", "--credit-limit", "20.5"),
                         f"Opened the balance main of {address}.\n")
        self.assertIn("already", self.done("balance", "open", address, "main"))
        self.assertIn("already", self.done("balance", "open", address, "main", "--credit-limit", "20.50"))
        self.refused("balance_exists", "balance", "open", address, "main", "--credit-limit", "21")
        self.refused("unknown_balance", "balance", "open", address, "nonsense")
        self.refused("too_many_decimals", "balance", "open", address, "bonus", "--credit-limit", "0.001")
        self.refused("not_positive", "balance", "open", address, "bonus", "--credit-limit", "-1")
        self.charge(address, "20.49", "on-credit")
        shown, = self.json("balance", "show", address)
        self.assertEqual(shown, {"balance_type": "main", "unit": "EUR", "posted": "-20.49", "held": "0.00",
                                 "credit_limit": "20.50", "available": "0.01", "expires_at": None, "priority": 20,
                                 "is_default": True})

    def test_balance_credit(self):
        address = self.new_account(main=None)
        self.refused("unknown_balance", "balance", "credit", address, "1", "EUR", "--reference", "C0")
        credit = ("balance", "credit", address, "12.50", "EUR", "--balance", "bonus", "--reference", "C1", "--period", "30")
        self.assertEqual(self.done(*credit), f"Credited {address} 12.50 EUR, reference C1.\n")
        self.assertIn("nothing was posted now", self.done(*credit))
        again = self.json(*credit)
        self.assertEqual((again["outcome"], again["reference"]), ("replayed", "C1"))
        self.assertEqual(self.rows("select amount, kind, contra, application, reference_code, description, balance_after, "
                                   f"journal_no = {again['journal_no']}, shard = {again['shard']} "
                                   f"from journal where address = '{address}'"),
                         ["12.50|credit|funding|operator|C1|credit|12.50|t|t"])
        self.assertEqual(self.rows("select expires_at - now() between '29 days 23 hours' and '30 days' from balances "
                                   f"where address = '{address}'"), ["t"])
        self.assertRegex(self.json("balance", "show", address)[0]["expires_at"], UTC)
        common = ("--balance", "bonus", "--reference", "C2")
        self.refused("reference_conflict", *credit[:3], "12.51", "EUR", "--balance", "bonus", "--reference", "C1")
        self.refused("wrong_unit", *credit[:3], "1", "USD", *common)
        self.refused("not_positive", *credit[:3], "0", "EUR", *common)
        self.refused("not_positive", *credit[:3], "-1", "EUR", *common)
        self.refused("too_many_decimals", *credit[:3], "0.001", "EUR", *common)
        self.refused("too_large", *credit[:3], "99999999999999999999", "EUR", *common)
        self.refused("invalid_period", *credit[:3], "1", "EUR", *common, "--period", "0")
        self.refused("invalid_reference", *credit[:3], "1", "EUR", "--balance", "bonus", "--reference", 256 * "x")
        self.assertIn("'1,5' is no amount", self.misused(*credit[:3], "1,5", "EUR", *common))
        self.assertIn("--reference is required", self.misused(*credit[:3], "1", "EUR"))

    def test_the_servers_limits_of_requests_hold_here_too(self):
        address = self.new_account()
        tight = dict(os.environ, LEDGERLINE_LEDGER_REFERENCE_LIMIT="71", LEDGERLINE_LEDGER_TEXT_LIMIT="40",
                     LEDGERLINE_LEDGER_PERIOD_LIMIT="10")
        credit = ("balance", "credit", address, "1", "EUR", "--reference")
        for outcome, arguments in (("invalid_reference", (*credit, 72 * "1")),
                                   ("invalid_text", (*credit, "1", "--description", 41 * "x")),
                                   ("invalid_period", (*credit, "2", "--period", "11"))):
            _, errors, status = run([LEDGERLINE, *arguments], cwd=self.folder, env=tight)
            self.assertEqual(status, 1, arguments)
            self.assertIn(outcome, errors)
        long = "sip:" + 40 * "x" + "@example.com"
        _, errors, status = run([LEDGERLINE, "account", "add-address", address, long], cwd=self.folder, env=tight)
        self.assertEqual(status, 2)
        self.assertIn("is no address", errors)
        self.done(*credit, "1234")

    def test_balance_adjust(self):
        address = self.new_account()
        adjust = ("balance", "adjust", address)
        self.done(*adjust, "-0.75", "EUR", "--reference", "A1", "--description", "charged\ntwice")
        self.done(*adjust, "0.25", "EUR", "--reference", "A2", "--description", "sorry", "--balance", "main")
        self.assertEqual(self.posted(address), {"main": "99.50"})
        self.assertEqual(self.rows("select amount, kind, contra, application, replace(description, E'\\n', '/') from journal "
                                   f"where address = '{address}' and kind = 'adjustment' order by seq"),
                         ["-0.75|adjustment|adjustment|operator|charged/twice", "0.25|adjustment|adjustment|operator|sorry"])
        self.refused("insufficient_funds", *adjust, "-99.51", "EUR", "--reference", "A3", "--description", "x")
        self.refused("not_positive", *adjust, "0", "EUR", "--reference", "A3", "--description", "x")
        self.misused(*adjust, "1", "EUR", "--reference", "A3")

    def test_balance_transfer(self):
        first, second = self.new_account(bonus="10"), self.new_account()
        moved = self.json("balance", "transfer", first, second, "5", "EUR", "--reference", "X1")
        self.assertEqual(moved["outcome"], "posted")
        self.done("balance", "transfer", first, first, "3", "EUR", "--from-balance", "bonus", "--to-balance", "main",
                  "--reference", "X2", "--description", "a gift")
        self.assertEqual((self.posted(first), self.posted(second)),
                         ({"main": "98.00", "bonus": "7.00"}, {"main": "105.00"}))
        self.assertEqual(self.rows("select reference_code, sum(amount), count(*), count(distinct group_id), min(contra), "
                                   "min(description) from journal where kind = 'transfer' and application = 'operator' and "
                                   f"address in ('{first}', '{second}') group by 1 order by 1"),
                         ["X1|0.00|2|1|clearing|transfer", "X2|0.00|2|1|clearing|a gift"])
        self.refused("insufficient_funds", "balance", "transfer", first, second, "98.01", "EUR", "--reference", "X3")
        self.refused("unknown_account", "balance", "transfer", first, "tel:+18880000000", "1", "EUR", "--reference", "X3")
        self.refused("not_positive", "balance", "transfer", first, second, "-1", "EUR", "--reference", "X3")
        same = ("balance", "transfer", first, first, "1", "EUR", "--reference", "X3")
        self.assertIn("the same balance", self.misused(*same))
        self.assertIn("the same balance", self.misused(*same, "--to-balance", "main"))

    def test_balance_limits(self):
        address = self.new_account(bonus="1")
        self.assertIn("may go to 20.00 EUR below zero", self.done("balance", "credit-limit", address, "main", "20.00"))
        self.done("balance", "priority", address, "bonus", "33")
        self.assertEqual(self.rows(f"select credit_limit, available, priority from balances where address = '{address}' "
                                   "order by balance_no"), ["20.00|120.00|20", "0.00|1.00|33"])
        self.refused("unknown_balance", "balance", "credit-limit", address, "data", "1")
        self.refused("unknown_balance", "balance", "priority", address, "data", "1")
        self.refused("not_positive", "balance", "credit-limit", address, "main", "-1")
        self.refused("too_many_decimals", "balance", "credit-limit", address, "main", "1.001")
        self.refused("too_large", "balance", "credit-limit", address, "main", "10000000000000.01")
        self.misused("balance", "priority", address, "bonus", "-1")

    def reverse(self, address, operation, reference, own, application="operator"):
        return ("balance", "reverse", address, "--of-application", application, "--of-operation", operation,
                "--of-reference", reference, "--reference", own)

    def test_balance_reverse(self):
        first, second = self.new_account(), self.new_account()
        self.charge(first, "4", "R1")
        application, = self.rows(f"select application from journal where address = '{first}' and reference_code = 'R1'")
        undo = self.reverse(first, "charge", "R1", "undo-1", application)
        self.assertIn(f"Reversed the charge R1 of {application}, reference undo-1.", self.done(*undo))
        self.assertEqual(self.json(*undo)["outcome"], "replayed")
        self.assertEqual(self.posted(first), {"main": "100.00"})
        self.assertEqual(self.rows("select amount, contra, application, description from journal where kind = 'reversal' "
                                   f"and address = '{first}'"), ["4.00|revenue|operator|reversal of R1"])
        self.refused("beyond_charge", *self.reverse(first, "charge", "R1", "undo-2", application))

        # One reference, one request: not that of another operation or application.
        self.done("balance", "credit", first, "1", "EUR", "--reference", "R1")
        self.refused("reference_conflict", *self.reverse(first, "credit", "R1", "undo-1"))
        self.done(*self.reverse(first, "credit", "R1", "undo-3"))
        self.done("balance", "transfer", first, second, "9", "EUR", "--reference", "R2")
        self.done(*self.reverse(first, "transfer", "R2", "undo-4"))
        self.assertEqual((self.posted(first), self.posted(second)), ({"main": "100.00"}, {"main": "100.00"}))

        self.refused("unknown_charge", *self.reverse(first, "charge", "R9", "undo-5", application))
        self.assertIn("nobody", self.refused("unknown_charge", *self.reverse(first, "charge", "R1", "undo-5", "nobody")))
        self.assertEqual(sql(self.data_dir, "select name from ledger.application where name = 'nobody'"), [])
        self.misused(*self.reverse(first, "nonsense", "R1", "undo-5"))

    def test_balance_reverse_of_a_split(self):
        first, second, third = self.new_account(), self.new_account(), self.new_account()
        outcome = sql(self.data_dir, f"""
            select s.o_outcome
              from (select array_agg(a.shard order by d.address) as shards,
                           array_agg(a.account_id order by d.address) as accounts
                      from ledger.address d join ledger.account a on a.shard = d.shard and a.account_id = d.account_id
                     where d.address in ('{first}', '{second}') and d.until is null) x
             cross join lateral ledger.post_split(ledger.application_id('demo-app'), '{first}', gen_random_uuid(),
                   x.shards, x.accounts, array[null, null]::integer[], '{{50,50}}', null, 301, 2::smallint, 'EUR', null,
                   'a meal', 1000000000) s""")
        self.assertEqual(outcome, ["posted"])
        self.assertEqual((self.posted(first)["main"], self.posted(second)["main"]), ("98.49", "98.50"))
        self.refused("unknown_charge", *self.reverse(third, "split", first, "undo", "demo-app"))
        self.done(*self.reverse(second, "split", first, "undo", "demo-app"))
        self.assertEqual((self.posted(first)["main"], self.posted(second)["main"]), ("100.00", "100.00"))
        self.refused("beyond_charge", *self.reverse(first, "split", first, "undo-2", "demo-app"))

    # Holds ----------------------------------------------------------------------------------------------------------

    def test_holds(self):
        address = self.new_account("--spending-order", bonus="5")
        self.assertEqual(self.done("hold", "list", address), "No open holds.\n")
        hold, other = self.place_hold(address, 7), self.place_hold(address, 1)
        listed = self.json("hold", "list", address)
        self.assertEqual([h["hold"] for h in listed], [other, hold])
        self.assertEqual((listed[1]["amount"], listed[1]["held"], listed[1]["state"], listed[1]["application"],
                          listed[1]["description"]), ("7.00", "7.00", "open", "demo-app", "a film"))
        self.assertEqual(self.json("account", "show", address)["open_holds"], 2)
        output, errors, status = self.ledgerline("hold", "list", "--limit", "1")
        self.assertEqual((status, errors), (0, "There are more holds; --limit shows more.\n"))
        self.assertEqual(len(output.splitlines()), 2)
        shown = self.json("hold", "show", hold)
        self.assertEqual(shown["legs"], [{"balance_type": "bonus", "amount": "5.00", "captured": "0.00"},
                                         {"balance_type": "main", "amount": "2.00", "captured": "0.00"}])
        self.assertRegex(self.done("hold", "show", hold), rf"^hold +{hold}\naddress +{re.escape(address)}\n")

        self.assertEqual(self.done("hold", "release", hold), f"Released the hold {hold} of demo-app.\n")
        self.assertIn("nothing was done now", self.done("hold", "release", hold))
        self.assertEqual(self.json("hold", "release", other), {"outcome": "posted", "hold": other,
                                                               "application": "demo-app"})
        self.assertEqual(self.rows(f"select state, held from holds where address = '{address}'"), 2 * ["released|0.00"])
        self.assertEqual(self.rows(f"select held, available from balances where address = '{address}' order by priority"),
                         ["0.00|5.00", "0.00|100.00"])
        self.assertEqual(self.json("hold", "list", address), [])
        self.assertEqual([h["state"] for h in self.json("hold", "list", address, "--all")], 2 * ["released"])
        # In the ledger the operator's releases can be told from the application's own.
        self.assertEqual(sql(self.data_dir, "select count(*) from ledger.request where operation = 'release' "
                                           f"and reference = 'released by the operator: {hold}'"), ["1"])

        # One that its application has released already.
        done = self.place_hold(address, 1)
        sql(self.data_dir, f"""
            select ledger.post_batch('{{release}}', array[h.shard], array[h.account_id], null, array[null], '{{0}}', '{{0}}',
                   array[null], array[h.application_id], array['own'], array[gen_random_uuid()], null, array[h.hold_id],
                   array[null], null, null, null, null, null, 1000000000, interval '1 hour')
              from ledger.hold h where h.hold_id = '{done[4:]}'""")
        self.refused("unknown_hold", "hold", "release", done)
        self.refused("unknown_hold", "hold", "release", hold[:4] + 32 * "0")
        self.refused("unknown_hold", "hold", "show", hold[:4] + 32 * "0")
        self.assertIn("is no hold", self.misused("hold", "show", "nonsense"))

    # Vouchers and tariffs -------------------------------------------------------------------------------------------

    def test_vouchers(self):
        address = self.new_account()
        making = ("voucher", "create", "summer", "10.00", "EUR", "--domain", "example.com", "--balance")
        output, errors, status = self.ledgerline(*making, "main", "--count", "3", "--valid-until", "2099-01-01")
        self.assertEqual(status, 0, errors)
        self.assertIn("Made 3 vouchers of 10.00 EUR in the batch summer", errors)
        codes = output.split()
        self.assertEqual(len(set(codes)), 3)
        for code in codes:
            self.assertRegex(code, r"^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$")
        self.refused("batch_exists", *making, "main")
        self.refused("unknown_balance", *making, "nonsense")
        self.refused("wrong_unit", *making, "data")
        self.misused(*making, "main", "--valid-until", "tomorrow")
        late = ("voucher", "create", "late", "1.00", "EUR", "--domain", "example.com", "--balance", "main")
        self.assertIn("nobody could redeem", self.misused(*late, "--valid-until", "2020-01-01"))
        self.refused("unknown_voucher", "voucher", "list", "late")

        redeem = ("voucher", "redeem", address)
        self.assertEqual(self.done(*redeem, codes[0], "--reference", "v1"),
                         f"Redeemed a voucher for {address}, reference v1.\n")
        self.assertIn("nothing was posted now", self.done(*redeem, codes[0].lower(), "--reference", "v1"))
        self.refused("voucher_redeemed", *redeem, codes[0], "--reference", "v2")
        self.done("voucher", "block", "summer", "2")
        self.refused("voucher_blocked", *redeem, codes[1], "--reference", "v2")
        # A refusal is asked for twice by this test, and five wrong tries are the limit.
        self.assertEqual(self.posted(address)["main"], "110.00")
        self.refused("unknown_voucher", "voucher", "block", "winter")
        self.refused("unknown_voucher", "voucher", "block", "summer", "4")
        self.done("voucher", "unblock", "summer", "2")
        other = self.new_account()
        self.done("voucher", "redeem", other, codes[1], "--reference", "v1")

        listed = self.json("voucher", "list", "summer")
        self.assertEqual([(v["serial"], v["state"], v["voucher"], v["address"]) for v in listed],
                         [(1, "redeemed", "…" + codes[0][-4:], address), (2, "redeemed", "…" + codes[1][-4:], other),
                          (3, "active", "…" + codes[2][-4:], None)])
        self.assertEqual(self.json("voucher", "batches")[-1]["redeemed"], 2)
        self.assertEqual(len(self.json("voucher", "list", "--state", "active")), 1)
        seen = "\n".join(self.rows("select * from vouchers") + self.rows("select * from journal"))
        for code in codes:
            self.assertNotIn(code, seen)
            self.assertNotIn(code.replace("-", ""), seen)

    def test_vouchers_whose_file_can_not_be_written_are_not_made(self):
        path = os.path.join(self.folder, "full.txt")
        making = ("voucher", "create", "full", "5", "EUR", "--domain", "example.com", "--balance", "bonus", "--output",
                  path)
        no_room = ("/bin/sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh")
        output, errors, status = run([*no_room, LEDGERLINE, *making], cwd=self.folder)
        self.assertEqual((status, output), (2, ""))
        self.assertIn("can't write", errors)
        self.assertEqual(self.rows("select count(*) from vouchers where batch = 'full'"), ["0"])
        self.assertFalse(os.path.exists(path), "the next try says that it exists")
        self.done(*making)

    def test_vouchers_whose_making_is_interrupted_leave_no_file(self):
        def takes(number, process):
            with open(f"/proc/{process}/status", encoding="utf-8") as status:
                caught = re.search(r"^SigCgt:\s*(\w+)$", status.read(), re.M)
            return int(caught[1], 16) >> number - 1 & 1

        path = os.path.join(self.folder, "interrupted.txt")
        making = ("voucher", "create", "interrupted", "5", "EUR", "--domain", "example.com", "--balance", "bonus",
                  "--output", path)
        for number in (signal.SIGINT, signal.SIGTERM):
            with subprocess.Popen([LEDGERLINE, *making, "--count", "100000"], cwd=self.folder,
                                  preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
                while not os.path.exists(path) or not takes(number, process.pid):
                    self.assertIsNone(process.poll())
                process.send_signal(number)
                self.assertEqual(process.wait(timeout=60), -number)
            self.assertFalse(os.path.exists(path), "the next try says that it exists")
        self.assertEqual(self.rows("select count(*) from vouchers where batch = 'interrupted'"), ["0"])
        self.done(*making)

    def test_vouchers_whose_codes_nobody_gets_are_not_made(self):
        making = ("voucher", "create", "lost", "5", "EUR", "--domain", "example.com", "--balance", "bonus")
        for options in ((), ("--json",)):
            self.assertIn("nothing was changed", self.into_full(*making, *options))
            self.assertEqual(self.rows("select count(*) from vouchers where batch = 'lost'"), ["0"])
        self.assertEqual(len(self.json(*making)["vouchers"]), 1)

    def into_full(self, *arguments):
        """What a command complains about whose standard output takes nothing."""
        with open("/dev/full", "w", encoding="utf-8") as device:
            full = subprocess.run([LEDGERLINE, *arguments], cwd=self.folder, stdout=device, stderr=subprocess.PIPE,
                                  timeout=60, check=False, text=True)
        self.assertEqual(full.returncode, 2, full.stderr)
        return full.stderr

    def test_lists_that_can_not_be_written_are_no_success(self):
        for command in (("account", "list"), ("tariff", "list", "--json"), ("audit", "verify")):
            self.assertIn("standard output", self.into_full(*command))

    def test_a_database_that_is_only_read_changes_nothing_and_says_so(self):
        socket = os.path.realpath(os.path.join(self.data_dir, "socket")).replace("/", "%2F")
        standby = (f"postgresql://ledgerline_service@/ledgerline?host={socket}"
                   "&options=-c%20default_transaction_read_only%3Don")
        self.assertIn("nothing was changed", self.misused("account", "domain", "standby.example", "--database", standby))
        self.done("account", "list", "--database", standby)

    def test_vouchers_with_pins_in_a_file(self):
        address = self.new_account()
        path = os.path.join(self.folder, "codes.txt")
        making = ("voucher", "create", "autumn", "5", "EUR", "--domain", "example.com", "--balance", "bonus",
                  "--pin-digits", "6", "--output", path)
        self.assertIn("and nowhere else", self.done(*making))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="utf-8") as file:
            code, pin = file.read().split()
        self.assertRegex(pin, r"^\d{6}$")
        self.assertIn("can't make", self.misused(*making))
        self.refused("unknown_voucher", "voucher", "redeem", address, code, "--reference", "p1")
        self.done("voucher", "redeem", address, code, "--pin", pin, "--reference", "p1")
        self.assertEqual(self.posted(address)["bonus"], "5.00")
        secrets = self.json("voucher", "create", "winter", "5", "EUR", "--domain", "example.com", "--balance", "bonus",
                            "--count", "2")["vouchers"]
        self.assertEqual([s["serial"] for s in secrets], [1, 2])

    def test_tariffs(self):
        address = self.new_account()
        add = ("tariff", "add", "calls", "--unit", "seconds", "--currency", "EUR", "--price")
        self.refused("no_tariff", "tariff", "rate", address, "90", "--unit", "seconds")
        self.assertEqual(self.json("tariff", "add", "--tier", "600:0.05", *add[2:], "0.10", "--per", "60", "--step", "60"),
                         {"outcome": "done", "tariff": "calls", "version": 1})
        self.assertEqual(self.done("tariff", "rate", address, "661", "--unit", "seconds"),
                         "661 would cost 1.10 EUR by the tariff calls.\n")
        self.assertEqual(self.json(*add, "0.20", "--per", "60", "--minimum", "0.05", "--from", "2099-01-01")["version"], 2)
        self.assertEqual(self.json("tariff", "rate", address, "60", "--unit", "seconds"),
                         {"outcome": "rated", "amount": "0.10", "unit": "EUR", "tariff": "calls"})
        self.assertEqual([t["version"] for t in self.json("tariff", "list")], [1])
        self.assertEqual([(t["version"], t["prices"], t["tiers"]) for t in self.json("tariff", "show", "calls")],
                         [(1, ["0.1", "0.05"], ["0", "600"]), (2, ["0.2"], ["0"])])
        self.refused("other_tariff", *add, "0.30", "--service", "video")
        self.refused("unknown_domain", *add, "0.30", "--domain", "example.invalid")
        for mistake in (("-1",), ("x",), ("1", "--tier", "0:1"), ("1", "--tier", "9"), ("1", "--step", "0"),
                        ("1", "--from", "soon")):
            self.misused(*add, *mistake)
        ends = ("--from", "2027-02-01", "--to", "2027-02-01")
        for command in ((*add, "1"), ("tariff", "price", "MUSIC", "1", "EUR")):
            self.assertEqual(self.misused(*command, *ends), "ledgerline: --to 2027-02-01 is not after --from 2027-02-01\n")
            self.assertEqual(self.misused(*command, "--to", "2020-01-01"), "ledgerline: --to 2020-01-01 is not after now\n")
        self.assertEqual(self.misused("tariff", "price", "", "1", "EUR"), "ledgerline: a price needs a code\n")
        self.assertEqual(self.rows("select name, version, prices, minimum from tariffs order by version"),
                         ["calls|1|{0.1000000000,0.0500000000}|0.00", "calls|2|{0.2000000000}|0.05"])
        self.assertEqual(self.done("tariff", "end", "calls"), "The tariff calls ends now.\n")
        self.refused("no_tariff", "tariff", "end", "nonesuch")
        self.refused("no_tariff", "tariff", "rate", address, "60")

    def test_users_have_several_addresses(self):
        addresses = [self.new_account(), self.new_account()]
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("reader\n")
        options = [part for address in addresses for part in ("--address", address)]
        self.assertEqual(self.done("user", "add", *options, "reader", "--kind", "subscriber", "--password-file", secret),
                         "Added reader, subscriber.\n")
        listed = next(user for user in self.json("user", "list") if user["login"].startswith("reader@"))
        self.assertEqual(sorted(listed["addresses"].split(", ")), sorted(addresses))

    def test_what_an_account_gives_up_is_no_users_own(self):
        address, kept = self.new_account(), self.new_account()
        second = "sip:" + address[5:] + "@example.com"
        self.done("account", "add-address", address, second)
        secret = os.path.join(self.folder, "former")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("former\n")
        self.done("user", "add", "former", "--kind", "subscriber", "--address", address, "--address", second,
                  "--address", kept, "--password-file", secret)
        see = ("--user", "former", "--password-file", secret)
        self.assertIn("100", self.done("balance", address, *see))

        # Whoever gets the number next has secrets from whoever had it.
        self.done("account", "release-address", second)
        self.done("account", "close", address)
        self.done("account", "open", address, second, "--domain", "example.com")
        self.done("balance", "credit", address, "77", "EUR", "--balance", "main", "--reference", "next")
        for command in (("balance", address), ("balance", second), ("history", address)):
            _, errors, status = self.ledgerline(*command, *see)
            self.assertEqual(status, 1, errors)
            self.assertIn("POL0001", errors)
        self.assertIn("100", self.done("balance", kept, *see))
        self.assertEqual(self.rows("select act, subject, details from trail where act = 'user.address_removed' "
                                   f"and subject = 'former@example.com' order by details collate \"C\""),
                         [f"user.address_removed|former@example.com|{second}",
                          f"user.address_removed|former@example.com|{address}"])

        # The same person's again: the operator says so.
        self.assertEqual(self.done("user", "address", "former", address), f"{address} is an address of former now.\n")
        self.assertIn("77", self.done("balance", address, *see))
        self.assertEqual(self.done("user", "address", "former", address, "--remove"),
                         f"{address} is no address of former any more.\n")
        self.refused("impossible", "user", "address", "former", address, "--remove")
        self.refused("impossible", "user", "address", "nobody", address)
        self.assertIn("only subscribers", self.refused("impossible", "user", "address", "demo-app", address))

    def test_prefixes_begin_addresses(self):
        for limit in ("address-prefix", "call-allow", "call-deny"):
            self.assertIn("'49900' begins no address", self.misused("user", "limit", "demo-app", limit, "49900"))
        self.done("user", "limit", "demo-app", "call-deny", "+49900")
        self.assertEqual([row["value"] for row in self.json("user", "limit", "demo-app")], ["tel:+49900"])
        self.done("user", "limit", "demo-app", "call-deny", "tel:+49900", "--remove")

    def test_prices(self):
        self.assertEqual(self.done("tariff", "price", "MUSIC", "1.50", "EUR"), "The code MUSIC costs 1.50 EUR from now on.\n")
        self.done("tariff", "price", "MUSIC", "1", "EUR", "--application", "demo-app", "--to", "2099-01-01T12:00+02:00")
        self.assertEqual([(p["amount"], p["application"], p["valid_to"]) for p in self.json("tariff", "prices", "MUSIC")],
                         [("1.50", None, None), ("1.00", "demo-app", "2099-01-01T10:00:00Z")])
        self.refused("unknown_application", "tariff", "price", "MUSIC", "1", "EUR", "--application", "demo-ap")
        self.refused("unknown_unit", "tariff", "price", "MUSIC", "1", "XYZ")
        self.refused("not_positive", "tariff", "price", "MUSIC", "0", "EUR")
        self.refused("too_many_decimals", "tariff", "price", "MUSIC", "0.001", "EUR")
        self.done("tariff", "end-price", "MUSIC", "EUR", "--application", "Demo-App@example.com")
        self.refused("unknown_price", "tariff", "end-price", "MUSIC", "USD")
        self.done("tariff", "end-price", "MUSIC", "EUR")
        self.assertEqual(self.rows("select count(*) from prices where valid_to > now()"), ["0"])

    # Finding the ledger ---------------------------------------------------------------------------------------------

    def test_finding_the_database(self):
        self.assertIn("no server is running on the data directory /nowhere",
                      self.misused("balance", "show", "tel:+15550001", "--data-dir", "/nowhere"))
        self.assertIn("the database does not answer",
                      self.misused("balance", "show", "tel:+15550001", "--database",
                                   f"postgresql:///ledgerline?host={self.folder}"))
        url = f"postgresql://postgres@/{{}}?host={os.path.realpath(os.path.join(self.data_dir, 'socket'))}"
        # By URL, as the service's role whoever logs in; another database has no ledger.
        self.assertEqual(len(self.json("balance", "show", "tel:+15550001", "--database", url.format("ledgerline"))), 3)
        self.assertIn("`ledgerline migrate`",
                      self.misused("balance", "show", "tel:+15550001", "--database", url.format("template1")))
        for mistake in (("account",), ("account", "nonsense"), ("hold", "show")):
            self.misused(*mistake)
        # A server on somebody else's database has none in its data directory.
        other = os.path.join(self.folder, "other")
        with_url = Server([LEDGERLINE, "serve", "--listen", "127.0.0.1:0", "--sip-listen", "", "--data-dir", other,
                           "--database", url.format("ledgerline")], self.folder)
        self.addCleanup(with_url.stop)
        for command in (("balance", "show", "tel:+15550001"), ("export", "journal")):
            self.assertIn("--database", self.misused(*command, "--data-dir", other))
        # Its secrets are under the servers' key, not under one of wherever the command is.
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("secret\n")
        elsewhere = os.path.join(self.folder, "elsewhere")
        os.mkdir(elsewhere)
        said = self.misused("user", "secret", "bob", "--password-file", secret, "--data-dir", elsewhere, "--database",
                            url.format("ledgerline"))
        self.assertIn(f"the key file {elsewhere}/secret.key can't be read", said)
        self.assertEqual(os.listdir(elsewhere), [])
        # Who logs in as the service needs no superuser: not for finance's commands either.
        service = url.format("ledgerline").replace("postgres@", "ledgerline_service@")
        self.assertEqual(len(self.json("balance", "show", "tel:+15550001", "--database", service)), 3)
        self.assertIn("tel:+15550001", self.done("export", "journal", "--database", service))
        # Nor is psql anything but finance whatever the URL says of its session.
        for more in ("", "&options=-c%20statement_timeout%3D5s", "&options=-csearch_path%3Dledger&connect_timeout=9"):
            seen = self.done("psql", "--database", service + more, "--", "-Atc",
                             "select current_user, current_setting('search_path'), current_setting('statement_timeout')")
            self.assertEqual(seen, f"ledgerline_finance|finance|{'5s' if 'timeout%3D' in more else 0}\n")

    def test_a_server_that_cuts_days_otherwise_says_so(self):
        def start(zone):
            server = Server([LEDGERLINE, "serve", "--listen", "127.0.0.1:0", "--sip-listen", "", "--data-dir",
                             os.path.join(self.folder, "clock"), "--database", url], self.folder,
                            {**os.environ, "LEDGERLINE_FINANCE_TIME_ZONE": zone})
            self.assertEqual((server.stop(), self.rows("select time_zone()")), (0, [zone]))
            return [json.loads(line) for line in server.output.splitlines() if "another time zone" in line]
        url = f"postgresql://postgres@/ledgerline?host={os.path.realpath(os.path.join(self.data_dir, 'socket'))}"
        told, = start("Asia/Kathmandu")
        self.assertEqual((told["level"], told["before"]), ("warning", "UTC"))
        told, = start("UTC")
        self.assertEqual((told["level"], told["before"]), ("warning", "Asia/Kathmandu"))
        self.assertEqual(start("UTC"), [])  # who changes nothing has nothing to say

    def test_psql_has_no_password_on_its_command_line(self):
        programs = os.path.join(self.folder, "programs")
        os.mkdir(programs)
        with open(os.path.join(programs, "psql"), "w", encoding="utf-8", opener=lambda *file: os.open(*file, 0o755)) as file:
            file.write("#!/bin/sh\nprintf '%s\\n' \"$1 $PGPASSWORD\"\n")
        environment = {**os.environ, "LEDGERLINE_POSTGRES_BIN_DIR": programs, "PGPASSWORD": "another"}
        role = "options=-c%20role%3Dledgerline_finance%20-c%20search_path%3Dfinance"
        words = "options='-c role=ledgerline_finance -c search_path=finance'"
        for url, seen in (("postgresql://u:s%40c:r@db/l", f"postgresql://u@db/l?{role} s@c:r"),
                          ("postgresql://u:old@db/l?password=n%26w", f"postgresql://u@db/l?{role} n&w"),
                          ("postgresql://u@db/l?password=n%26w&host=/x", f"postgresql://u@db/l?host=/x&{role} n&w"),
                          ("postgresql:///l?host=/x&password=n%26w", f"postgresql:///l?host=/x&{role} n&w"),
                          ("postgresql://db:5432/l", f"postgresql://db:5432/l?{role} another"),
                          (r"host=db password = 's\'c\\r t' user=u\ v", rf"host='db' user='u v' {words} s'c\r t"),
                          ("password=old host=db password=new", f"host='db' {words} new"),
                          ("password=alone", f" {words} alone"), ("host=db user=u", f"host=db user=u {words} another")):
            output, errors, status = run([LEDGERLINE, "psql"], env={**environment, "LEDGERLINE_DATABASE_URL": url})
            self.assertEqual((output, errors, status), (f"--dbname={seen}\n", "", 0))


if __name__ == "__main__":
    unittest.main()
