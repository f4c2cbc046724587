#!/usr/bin/python3
"""Every operation of Account Management in every version, by several SOAP clients: one table drives them all.

    account_operations.py LEDGERLINE
"""
import json
import os
import sys
import unittest

from demo_case import DemoCase
from server import sql
from soap_drivers import Backwards, Php, Refusal, Zeep, decimals

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
INTERFACE = "AccountManagement"
SINGLE, SEVERAL = ("v2_0", "v2_1"), ("v2_2", "v3_0", "v3_1")
CLIENTS = (Zeep, Php, Backwards)


def rows(version, address, voucher):
    """(operation, children, what comes of it: a result, or the end of the fault's text)."""
    user, single = {"endUserIdentifier": address}, version in SINGLE
    of_type = {} if single else {"balanceType": "bonus"}
    top_up = {**user, "referenceCode": "U1", **of_type, "amount": "2.50"}
    redeem = {**user, "referenceCode": "U1", "voucherIdentifier": voucher["code"], "voucherPin": voucher["pin"]}
    types = ("main", "bonus", "data")

    def balances(*amounts):
        if single:
            return amounts[0]
        return [{"balanceType": name, "amount": amount} for name, amount in zip(types, amounts)]

    yield "getBalance", user, balances("100", "10", "1000000000")
    yield "getCreditExpiryDate", user, None if single else [{"balanceType": name} for name in types]
    if not single:
        yield "getBalanceTypes", user, list(types)
        yield "balanceUpdate", {**top_up, "referenceCode": "U2", "balanceType": "gold"}, "SVC0002: *balanceType"
    yield "balanceUpdate", top_up, None
    yield "balanceUpdate", {**top_up, "amount": "2.5"}, None  # the first answer again
    yield "balanceUpdate", {**top_up, "period": 30}, "SVC0002: *referenceCode"
    yield "balanceUpdate", {**top_up, "referenceCode": "U2", "amount": "-1"}, "SVC0002: *amount"
    yield "voucherUpdate", {**redeem, "voucherPin": "x"}, "SVC0251: *is not valid."
    yield "voucherUpdate", redeem, None
    yield "voucherUpdate", redeem, None  # the first answer again
    yield "voucherUpdate", {**redeem, "referenceCode": "U2"}, "SVC0251: *is not valid."
    yield "getBalance", user, balances("107.5") if single else balances("105", "12.5", "1000000000")
    yield "getHistory", {**user, "maxEntries": 2}, ["kind=voucher amount=5.00", "kind=credit amount=2.50"]
    yield "getHistory", {**user, "maxEntries": -1}, "SVC0002: *maxEntries"
    yield "getHistory", {**user, "date": "2999-12-31T00:00:00Z"}, None
    yield "getBalance", {"endUserIdentifier": "tel:+19990000"}, "SVC0002: *endUserIdentifier"


class AccountOperations(DemoCase):
    program = LEDGERLINE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vouchers = json.loads(cls.command("voucher", "create", "all", "5", "EUR", "--count", "15", "--domain", "example.com",
                                              "--balance", "main", "--pin-digits", "4", "--json"))["vouchers"]

    def check(self, operation, answer, expected):
        if isinstance(expected, str) and "*" in expected:
            self.assertIsInstance(answer, Refusal)
            start, end = expected.split("*")
            self.assertTrue(answer.text.startswith(start) and answer.text.endswith(end), answer.text)
            self.assertEqual(answer.message_id, start[:7])
        elif operation == "getHistory" and expected:
            self.assertEqual(len(answer), len(expected))
            for entry, details in zip(answer, expected):
                self.assertTrue(entry["transactionDetails"].startswith(details), entry)
        else:
            self.assertEqual(decimals(answer) or None, decimals(expected))

    def test_a_long_answer_reaches_the_command_line(self):
        """More balances than an application's own message may have elements."""
        sql(os.path.join(self.folder, "var"), """
            set role ledgerline_owner;
            insert into ledger.balance_type select 'example.com', 'long' || n, 'EUR', 1 from generate_series(1, 1500) n;
            set role ledgerline_service;
            select count(ledger.open_balance(a.shard, a.account_id, 'long' || n, 0))
              from ledger.address a, generate_series(1, 1500) n where a.address = 'tel:+15550099'""", "postgres")
        self.assertEqual(len(self.command("balance", "tel:+15550099").splitlines()), 1503)

    def finance(self, query):
        """Rows as finance staff (the role ledgerline_finance) read them."""
        return self.command("psql", "--", "-Atc", query).split()

    def check_books(self, version, address):
        """Two top-ups were posted, once each; refusals and repetitions left nothing."""
        main, bonus = ("107.50", "10.00") if version in SINGLE else ("105.00", "12.50")
        self.assertEqual(self.finance(f"select balance_type, posted from balances where address = '{address}' "
                                      "and unit = 'EUR' order by 1"), [f"bonus|{bonus}", f"main|{main}"])
        name = "main" if version in SINGLE else "bonus"
        self.assertEqual(self.finance("select kind, balance_type, amount, reference_code from journal where address = "
                                      f"'{address}' and application = 'demo-app' order by journal_no"),
                         [f"credit|{name}|2.50|U1", "voucher|main|5.00|U1"])

    def test_every_operation_in_every_version_by_every_client(self):
        zeep = Zeep(self.url)
        published = {(version, operation) for version in SINGLE + SEVERAL
                     for operation in zeep.operations(INTERFACE, version)}
        zeep.close()
        vouchers, number = iter(self.vouchers), 10
        for make in CLIENTS:
            client, done = make(self.url), set()
            for version in SINGLE + SEVERAL:
                number += 1
                address = f"tel:+1555{number:04}"
                for operation, children, expected in rows(version, address, next(vouchers)):
                    with self.subTest(client=make.__name__, version=version, operation=operation, children=children):
                        self.check(operation, client.call(INTERFACE, version, operation, children), expected)
                    done.add((version, operation))
                self.check_books(version, address)
            client.close()
            self.assertEqual(done, published)
        self.assertEqual(self.finance("select distinct total from trial_balance where total <> 0"), [])


if __name__ == "__main__":
    unittest.main()
