#!/usr/bin/python3
"""Every row of docs/faults.md that somebody outside can cause, caused against the real program and read on the wire.

    faults_walk.py LEDGERLINE

A row that is in neither of the two tables below is a failure: whoever adds a cause says here how it comes about.
"""
import os
import sys
import threading
import time
import unittest

from demo_case import DemoCase
from server import locked, sql
from soap_drivers import Backwards, Refusal

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
PAYMENT, ACCOUNT = "Payment", "Account Management"
AMOUNT, VOLUME = "of an amount", "of a volume"
ALICE, CLOSED, SUSPENDED, FULL, BARE, PINNED = (f"tel:+155500{n}" for n in (10, 11, 12, 13, 14, 15))
EMPTY = "tel:+18885550001"
LONG = "x" * 1025
QUEUE_SECONDS = 1
SETTINGS = {"LEDGER_RESEND_FOR": "0ms", "VOUCHER_TRIES": "5"}
# As long a queue as the server's own threads may fill at its start, or it would not start.
NARROW = {"LEDGER_QUEUE_TIMEOUT": f"{QUEUE_SECONDS}s", "DATABASE_SESSIONS": "1", "DATABASE_QUEUE_LIMIT": "4"}

# What nobody can cause from outside, and why.
RACE = "the directory forgets such an address at once: only a request that is under way at that moment meets it"
WHOLE = "volumes are whole numbers"
UNREACHABLE = {
    (PAYMENT, "stale_address", AMOUNT): RACE, (PAYMENT, "stale_address", VOLUME): RACE,
    (ACCOUNT, "stale_address", ACCOUNT): RACE,
    (PAYMENT, "account_closed", AMOUNT): RACE, (PAYMENT, "account_closed", VOLUME): RACE,
    (ACCOUNT, "account_closed", ACCOUNT): RACE,
    (PAYMENT, "invalid_parameters", AMOUNT): "no request of an amount has parameters",
    (PAYMENT, "too_many_decimals", VOLUME): WHOLE,
    (PAYMENT, "no_tariff", AMOUNT): "amounts need no tariff",
    (PAYMENT, "unknown_price", VOLUME): "volumes have no code",
    (ACCOUNT, "wrong_unit", ACCOUNT): "balanceUpdate names no unit, and a voucher has that of its balance type for ever",
}


def much(amount, **more):
    return {"charge": {"description": "x", "currency": "EUR", "amount": amount, **more}}


def volume(number, text="x"):
    return {"volume": number, "billingText": text}


def unit(name):
    return {"parameters": {"name": "unit", "value": name}}


def user(address=ALICE):
    return {"endUserIdentifier": address}


def ref(code):
    return {"referenceCode": code}


def causes(walk):
    """(section, cause, column) -> interface, version, operation, children; `walk` knows what was made before."""
    def amount(cause, children, operation="chargeAmount", interface="AmountCharging", version="v2_1"):
        return (PAYMENT, cause, AMOUNT), (interface, version, operation, children)

    def volumes(cause, children, operation="chargeVolume", interface="VolumeCharging", version="v2_1"):
        return (PAYMENT, cause, VOLUME), (interface, version, operation, children)

    def account(cause, children, operation="balanceUpdate"):
        return (ACCOUNT, cause, ACCOUNT), ("AccountManagement", "v3_1", operation, children)

    data = {"balanceType": "data"}
    hold, held = {"reservationIdentifier": walk.hold}, {"reservationIdentifier": walk.volume_hold}
    none = {"reservationIdentifier": "none"}
    half = [{**user(), "percent": 50}]
    update = {**user(), **ref("u"), "balanceType": "main", "amount": "1"}
    voucher = {**user(), **ref("v")}
    on_hold = {"interface": "ReserveAmountCharging"}
    on_volume = {"interface": "ReserveVolumeCharging"}
    yield amount("unknown_account", {**user("tel:+19990000"), **much(1), **ref("a")})
    yield amount("unknown_balance", {**user(), **much(1), **ref("a"), "balanceType": "none"})
    yield amount("reference_conflict", {**user(), **much(2), **ref("done")})
    for reference in ("x" * 256, " \n "):
        yield amount("invalid_reference", {**user(), **much(1), **ref(reference)})
    yield amount("unknown_charge", {**user(), **much(1), **ref("a"), "originalReferenceCode": "none"}, "refundAmount")
    yield amount("unknown_hold", {**none, **much(1), **ref("a")}, "chargeReservation", **on_hold)
    yield amount("invalid_text", {**user(), **much(1, description=LONG), **ref("a")})
    yield amount("not_positive", {**user(), **much(0), **ref("a")})
    yield amount("too_large", {**user(), **much("10000000000000.01"), **ref("a")})
    yield amount("too_many_decimals", {**user(), **much("0.001"), **ref("a")})
    yield amount("balance_limit", {**user(FULL), **much("1000000000000"), **ref("a")}, "refundAmount")
    yield amount("excess_give_back", {**hold, **much("-6")}, "reserveAdditionalAmount", **on_hold)
    yield amount("wrong_unit", {**user(), **much(1, currency="USD"), **ref("a")})
    yield amount("unknown_price", {**user(), "charge": {"description": "x", "code": "NONE"}, **ref("a")})
    yield amount("no_amount", {**user(), "charge": {"description": "x"}, **ref("a")})
    yield amount("invalid_shares", {"splitInfo": half, **much(1), **ref("a")}, "chargeSplitAmount", version="v3_1")
    yield amount("account_suspended", {**user(SUSPENDED), **much(1), **ref("a")})
    yield amount("insufficient_funds", {**user(), **much(1000), **ref("a")})
    yield amount("beyond_hold", {**hold, **much(6), **ref("a")}, "chargeReservation", **on_hold)
    yield amount("beyond_charge", {**user(), **much(2), **ref("done")}, "refundAmount")

    yield volumes("unknown_account", {**user("tel:+19990000"), **volume(1), **ref("a"), **data})
    yield volumes("unknown_balance", {**user(), **volume(1), **ref("a"), "balanceType": "none"})
    yield volumes("reference_conflict", {**user(), **volume(2), **ref("data"), **data})
    yield volumes("invalid_reference", {**user(), **volume(1), **ref("x" * 256), **data})
    yield volumes("unknown_charge", {**user(), **volume(1), **ref("a"), **data, "originalReferenceCode": "none"},
                  "refundVolume")
    yield volumes("unknown_hold", {**none, **volume(1), **ref("a")}, "chargeReservation", **on_volume)
    yield volumes("invalid_parameters", {**user(), **volume(1), **ref("a"), "parameters": [
        {"name": f"n{n}", "value": "x"} for n in range(33)]})
    yield volumes("invalid_text", {**user(), **volume(1, LONG), **ref("a"), **data})
    yield volumes("not_positive", {**user(), **volume(0), **ref("a"), **data})
    yield volumes("too_large", {**user(), **volume(10**15 + 1), **ref("a"), **data})
    yield volumes("balance_limit", {**user(FULL), **volume(10**14), **ref("a"), **data}, "refundVolume")
    yield volumes("excess_give_back", {**held, **volume(-6)}, "reserveAdditionalVolume", **on_volume)
    yield volumes("no_tariff", {**user(), **volume(1), **ref("a"), **unit("parsecs")})
    # One account is charged in euros, the other in bytes.
    yield volumes("wrong_unit", {"splitInfo": half + [{**user(BARE), "percent": 50}], **volume(60), **ref("a")},
                  "chargeSplitVolume", version="v3_1")
    yield volumes("invalid_shares", {"splitInfo": half, **volume(1), **ref("a"), **data}, "chargeSplitVolume",
                  version="v3_1")
    yield volumes("account_suspended", {**user(SUSPENDED), **volume(1), **ref("a"), **data})
    yield volumes("insufficient_funds", {**user(), **volume(10**10), **ref("a"), **data})
    yield volumes("beyond_hold", {**held, **volume(6), **ref("a")}, "chargeReservation", **on_volume)
    yield volumes("beyond_charge", {**user(), **volume(2), **ref("data"), **data}, "refundVolume")

    yield account("unknown_account", {**update, **user("tel:+19990000")})
    yield account("unknown_balance", {**update, "balanceType": "none"})
    yield account("reference_conflict", {**update, **ref("done")})
    yield account("invalid_reference", {**update, **ref("x" * 256)})
    yield account("invalid_period", {**update, "period": 0})
    yield account("not_positive", {**update, "amount": 0})
    yield account("too_many_decimals", {**update, "amount": "0.001"})
    yield account("too_large", {**update, "amount": "10000000000000.01"})
    yield account("balance_limit", {**update, **user(FULL), "amount": "1000000000000"})
    yield account("unknown_voucher", {**voucher, "voucherIdentifier": "none"}, "voucherUpdate")
    for state in ("redeemed", "expired", "blocked"):
        yield account(f"voucher_{state}", {**voucher, "voucherIdentifier": walk.vouchers[state]}, "voucherUpdate")
    yield account("the account has a PIN", user(PINNED), "getBalance")
    yield account("the account has no balance", user(EMPTY), "getBalance")
    yield account("fewer entries than none", {**user(), "maxEntries": -1}, "getHistory")


class FaultsWalk(DemoCase):
    program = LEDGERLINE
    settings = SETTINGS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page = dict(cls.page_rows())
        secret, pin = os.path.join(cls.folder, "secret"), os.path.join(cls.folder, "pin")
        for file, text in ((secret, "secret"), (pin, "4711")):
            with open(file, "w", encoding="utf-8") as output:
                output.write(text)
        for login in ("shop", "small"):
            cls.command("user", "add", login, "--password-file", secret)
        cls.command("user", "grant", "shop", "payment.refund", "example.com")
        for grant in ("payment.charge", "account.update"):
            cls.command("user", "grant", "small", grant, "example.com")
        cls.command("user", "limit", "small", "amount-per-request", "0.50", "EUR")
        cls.command("tariff", "add", "calls", "--unit", "seconds", "--currency", "EUR", "--price", "0.10", "--per", "60")
        cls.command("account", "open", EMPTY, "--domain", "example.com")
        cls.command("account", "suspend", SUSPENDED)
        cls.command("account", "default-balance", BARE, "data")
        cls.command("account", "pin", PINNED, "--file", pin)
        cls.fill(FULL, "main", "EUR")
        cls.fill(FULL, "data", "bytes")
        cls.done("AmountCharging", "chargeAmount", {**user(), **much(1), **ref("done")})
        cls.done("VolumeCharging", "chargeVolume", {**user(), **volume(1), **ref("data"), "balanceType": "data"})
        cls.done("AccountManagement", "balanceUpdate",
                 {**user(), **ref("done"), "balanceType": "main", "amount": "2"}, "v3_1")
        cls.hold = cls.done("ReserveAmountCharging", "reserveAmount", {**user(), **much(5)})
        cls.volume_hold = cls.done("ReserveVolumeCharging", "reserveVolume",
                                   {**user(), **volume(5), "balanceType": "data"})
        making = ("1.00", "EUR", "--domain", "example.com", "--balance", "main")
        cls.vouchers = {state: cls.command("voucher", "create", state, *making).strip()
                        for state in ("redeemed", "blocked", "expired")}
        # The command makes none that have expired.
        sql(cls.data_dir, "update ledger.voucher_batch set valid_until = '2020-01-01' where name = 'expired'", "postgres")
        cls.command("voucher", "block", "blocked")
        cls.command("voucher", "redeem", BARE, cls.vouchers["redeemed"], "--reference", "r")
        cls.seen = set()

    @classmethod
    def start_server(cls):
        super().start_server()
        cls.client = Backwards(cls.url)

    @classmethod
    def stop_server(cls):
        cls.client.close()
        super().stop_server()

    @staticmethod
    def start_again(settings):
        FaultsWalk.stop_server()
        FaultsWalk.settings = {**SETTINGS, **settings}
        FaultsWalk.start_server()

    @classmethod
    def page_rows(cls):
        """(section, cause or meaning, column) and (id, variable) of the page that the program prints."""
        for section in cls.command("faults").split("\n## ")[1:]:
            title = section.split("\n")[0]
            if title == "Texts":
                continue
            for line in section.splitlines():
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                if not line.startswith("|") or cells[0] in ("cause", "---"):
                    continue
                for column, cell in zip((AMOUNT, VOLUME) if title == PAYMENT else (ACCOUNT,), cells[2:]):
                    if cell:  # no volume can meet what has none
                        yield (title, cells[0].strip("`") or cells[1], column), tuple(cell.replace("`", "").split(" ", 1))

    @classmethod
    def done(cls, interface, operation, children, version="v2_1"):
        answer = cls.client.call(interface, version, operation, children)
        assert not isinstance(answer, Refusal), (operation, children, answer)
        return answer

    @classmethod
    def fill(cls, address, balance, unit_name):
        """A balance as full as the ledger lets it be, in one credit that no client could make."""
        outcome, = sql(cls.data_dir, f"""
            select p.o_outcome[1] from ledger.address d cross join lateral ledger.post_batch(
                '{{credit}}', array[d.shard], array[d.account_id], null, '{{{balance}}}', '{{3999900000000000000}}', '{{2}}',
                '{{{unit_name}}}', array[ledger.application_id('operator')], array['fill {balance}'],
                array[gen_random_uuid()], null, null, '{{adjustment}}', null, null, null, null, null,
                4000000000000000000, interval '1 hour') p
             where d.address = '{address}' and d.until is null""".replace(
                 "'{2}'", "'{2}'" if unit_name == "EUR" else "'{0}'"))
        assert outcome == "posted", outcome

    def meet(self, row, answer):
        """The answer is what the page says of this row."""
        key = next((key for key in self.page if key[0] == row[0] and key[2] == row[2] and key[1].startswith(row[1])), None)
        self.assertIsNotNone(key, f"the page has no row {row}")
        self.assertIsInstance(answer, Refusal, row)
        identifier, *variable = self.page[key]
        self.assertEqual(answer.message_id, identifier, (row, answer))
        if identifier != "SVC0251" and variable:  # whose variable is what was sent
            self.assertTrue(answer.text.endswith(variable[0]), (row, answer))
        self.seen.add(key)

    def ask(self, interface, version, operation, children, client=None):
        return (client or self.client).call(interface, version, operation, children)

    def test_1_what_requests_cause(self):
        for row, request in causes(self):
            with self.subTest(row=row):
                self.meet(row, self.ask(*request))

    def test_2_what_rights_and_limits_cause(self):
        shop, small = (Backwards(self.url, login, "secret") for login in ("shop", "small"))
        self.addCleanup(shop.close)
        self.addCleanup(small.close)
        data = {"balanceType": "data"}
        self.meet((PAYMENT, "refund_not_linked", AMOUNT),
                  self.ask("AmountCharging", "v2_1", "refundAmount", {**user(), **much(1), **ref("r")}, shop))
        self.meet((PAYMENT, "refund_not_linked", VOLUME),
                  self.ask("VolumeCharging", "v2_1", "refundVolume", {**user(), **volume(1), **ref("r"), **data}, shop))
        self.meet((PAYMENT, "over_limit", AMOUNT),
                  self.ask("AmountCharging", "v2_1", "chargeAmount", {**user(), **much(1), **ref("l")}, small))
        self.meet((PAYMENT, "over_limit", VOLUME),
                  self.ask("VolumeCharging", "v2_1", "chargeVolume",
                           {**user(), **volume(600), **ref("l"), **unit("seconds")}, small))
        self.meet((ACCOUNT, "over_limit", ACCOUNT),
                  self.ask("AccountManagement", "v3_1", "balanceUpdate",
                           {**user(), **ref("l"), "balanceType": "main", "amount": "1"}, small))
        for code in range(6):
            said = self.ask("AccountManagement", "v3_1", "voucherUpdate",
                            {**user(BARE), **ref("v"), "voucherIdentifier": code})
        self.meet((ACCOUNT, "voucher_throttled", ACCOUNT), said)

    # The same three requests, while something is wrong with the database.
    REQUESTS = (
        ((PAYMENT, AMOUNT), ("AmountCharging", "v2_1", "chargeAmount", {**user(), **much(1), **ref("d")})),
        ((PAYMENT, VOLUME), ("VolumeCharging", "v2_1", "chargeVolume",
                             {**user(), **volume(1), **ref("d"), "balanceType": "data"})),
        ((ACCOUNT, ACCOUNT), ("AccountManagement", "v3_1", "balanceUpdate",
                              {**user(), **ref("d"), "balanceType": "main", "amount": "1"})),
    )

    def test_3_what_a_defect_causes(self):
        for function in ("post_batch", "post_volume"):
            sql(self.data_dir, f"alter function ledger.{function} rename to {function}_away", "postgres")
        try:
            for (section, column), request in self.REQUESTS:
                self.meet((section, "internal", column), self.ask(*request))
        finally:
            for function in ("post_batch", "post_volume"):
                sql(self.data_dir, f"alter function ledger.{function}_away rename to {function}", "postgres")

    def test_4_what_an_absent_database_causes(self):
        sql(self.data_dir, "alter role ledgerline_service nologin", "postgres")
        try:
            sql(self.data_dir, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'ledgerline_service'",
                "postgres")
            for (section, column), request in self.REQUESTS:
                self.meet((section, "unavailable", column), self.ask(*request))
        finally:
            sql(self.data_dir, "alter role ledgerline_service login", "postgres")

    def test_5_what_settings_cause(self):
        self.start_again({"VOUCHER_ACCEPTED": "false"})
        self.meet((ACCOUNT, "vouchers are not accepted", ACCOUNT), self.ask(
            "AccountManagement", "v3_1", "voucherUpdate", {**user(), **ref("v"), "voucherIdentifier": "x"}))

    def test_6_what_a_slow_database_causes(self):
        self.start_again(NARROW)
        while isinstance(self.ask("AccountManagement", "v3_1", "getBalance", user()), Refusal):
            time.sleep(0.1)  # it is busy with its start
        for (section, column), request in self.REQUESTS:
            with self.subTest(row=(section, column)):
                self.meet((section, "overloaded", column), self.behind_a_lock(request))

    def behind_a_lock(self, request):
        """The answer to a request that waits behind others of its kind, until they are older than may be."""
        interface, version, operation, children = request
        answers = []

        def ask(number):
            client = Backwards(self.url)
            answers.append(client.call(interface, version, operation, {**children, **ref(f"slow-{operation}-{number}")}))
            client.close()
        with locked(self.data_dir, "select from ledger.shard for update"):
            asking = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
            for thread in asking:
                thread.start()
                time.sleep(0.1)
            time.sleep(QUEUE_SECONDS + 0.5)
        for thread in asking:
            thread.join()
        return next((answer for answer in answers if isinstance(answer, Refusal)), None)

    def test_7_every_row_was_met_or_says_why_not(self):
        self.assertEqual(set(self.page) - self.seen - set(UNREACHABLE), set())
        self.assertEqual(self.seen & set(UNREACHABLE), set(), "they can be reached")
        self.assertEqual(set(UNREACHABLE) - set(self.page), set(), "the page has no such rows")


if __name__ == "__main__":
    unittest.main()
