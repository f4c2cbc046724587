#!/usr/bin/python3
"""Every operation of Payment in every version, by several SOAP clients: one table drives them all.

    payment_operations.py LEDGERLINE
"""
import json
import os
import sys
import unittest
from urllib.parse import quote

from demo_case import DemoCase
from soap_drivers import Backwards, Php, Refusal, Zeep, decimals

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
VERSIONS = ("v2_0", "v2_1", "v3_1")
CLIENTS = (Zeep, Php, Backwards)
AMOUNT, VOLUME = "AmountCharging", "VolumeCharging"
RESERVE_AMOUNT, RESERVE_VOLUME = "ReserveAmountCharging", "ReserveVolumeCharging"
TEXT = "a <test> & more"


class Fault:
    """What a refusal must say: its id, and for SVC0002 the message part."""

    def __init__(self, message_id, part=""):
        self.message_id, self.part = message_id, part


class Saved:
    """A result that later rows use: in the table, where it comes from and where it goes to."""

    def __init__(self, name):
        self.name = name


def rows(version, payer, other):
    """(interface, operation, children, what comes of it). A minute costs 0.10 EUR, begun ones in full."""
    v2_0, v3 = version == "v2_0", version.startswith("v3")

    def much(amount):
        if v2_0:
            return {"amount": amount, "billingText": TEXT}
        return {"charge": {"description": TEXT, "currency": "EUR", "amount": amount}}

    def volume(number):
        return {"volume": number, "billingText": TEXT}

    def hints(**properties):
        return {} if v2_0 else {"parameters": [{"name": n, "value": v} for n, v in properties.items()]}

    def price(amount):
        return amount if v2_0 else {"description": "calls", "currency": "EUR", "amount": amount}

    user, seconds = {"endUserIdentifier": payer}, hints(unit="seconds")
    split = version + payer  # the key of a split belongs to no account
    shares = [{"endUserIdentifier": payer, "percent": 50}, {"endUserIdentifier": other, "percent": 50}]

    def amounts():
        yield "chargeAmount", {**user, **much("10.00"), "referenceCode": "A1"}, None
        yield "chargeAmount", {**user, **much("10"), "referenceCode": "A1"}, None  # the first answer again
        yield "chargeAmount", {**user, **much("11"), "referenceCode": "A1"}, Fault("SVC0002", "referenceCode")
        if not v2_0:  # a currency that is not said is another than one that is
            unsaid = {"charge": {"description": TEXT, "amount": "10.00"}}
            yield "chargeAmount", {**user, **unsaid, "referenceCode": "A1"}, Fault("SVC0002", "referenceCode")
        yield "chargeAmount", {**user, **much("1.25"), "referenceCode": "A2", "balanceType": "bonus"}, None
        yield "chargeAmount", {**user, **much("1000"), "referenceCode": "A3"}, Fault("SVC0270")
        yield "chargeAmount", {**user, **much("0.001"), "referenceCode": "A3"}, Fault("SVC0007")
        yield ("chargeAmount", {**user, **much("1"), "referenceCode": "A3", "balanceType": "none"},
               Fault("SVC0002", "balanceType"))
        yield "refundAmount", {**user, **much("4.00"), "referenceCode": "A1"}, None
        yield ("refundAmount", {**user, **much("6.01"), "referenceCode": "A4", "originalReferenceCode": "A1"},
               Fault("SVC0270"))
        yield "refundAmount", {**user, **much("1"), "referenceCode": "A5", "originalReferenceCode": "A1"}, None
        yield ("refundAmount", {**user, **much("1"), "referenceCode": "A6", "originalReferenceCode": "none"},
               Fault("SVC0002", "originalReferenceCode"))
        if v3:
            yield "chargeSplitAmount", {"splitInfo": shares, **much("0.05"), "referenceCode": "A7" + split}, None
            share = {**user, "originalReferenceCode": "A7" + split}
            yield "refundAmount", {**share, **much("0.04"), "referenceCode": "A9"}, Fault("SVC0270")
            yield "refundAmount", {**share, **much("0.02"), "referenceCode": "A9"}, None
            yield "refundAmount", {**share, **much("0.02"), "referenceCode": "A10"}, Fault("SVC0270")
            yield "refundAmount", {**share, **much("0.01"), "referenceCode": "A10"}, None
            yield ("chargeSplitAmount", {"splitInfo": [{**shares[0], "percent": 51}, shares[1]], **much("1"),
                                         "referenceCode": "A8"}, Fault("SVC0007"))

    def volumes():
        yield "getAmount", {**user, "volume": 90, **seconds}, price("0.20")
        yield "getAmount", {**user, "volume": 0, **seconds}, Fault("SVC0002", "volume")
        yield "chargeVolume", {**user, **volume(90), "referenceCode": "V1", **seconds}, None
        yield "chargeVolume", {**user, **volume(90), "referenceCode": "V1", **seconds}, None  # the first answer again
        yield ("chargeVolume", {**user, **volume(91), "referenceCode": "V1", **seconds},
               Fault("SVC0002", "referenceCode"))
        yield "chargeVolume", {**user, **volume(1000), "referenceCode": "V2", "balanceType": "data"}, None
        yield "chargeVolume", {**user, **volume(-1), "referenceCode": "V3", **seconds}, Fault("SVC0002", "volume")
        yield "chargeVolume", {**user, **volume(10**9), "referenceCode": "V3", **seconds}, Fault("SVC0270")
        if not v2_0:
            data = hints(balanceType="data")
            yield "chargeVolume", {**user, **volume(500), "referenceCode": "V4", **data}, None
            # Said as an element, it is the same request.
            yield "chargeVolume", {**user, **volume(500), "referenceCode": "V4", "balanceType": "data"}, None
            yield ("chargeVolume", {**user, **volume(500), "referenceCode": "V5", **data, "balanceType": "main"},
                   Fault("SVC0002", "balanceType"))
            yield ("chargeVolume", {**user, **volume(1), "referenceCode": "V5", **hints(unit="parsecs")},
                   Fault("SVC0002", "volume"))
            yield ("refundVolume", {**user, **volume(100), "referenceCode": "V6", **hints(originalReferenceCode="V4")},
                   None)
        yield "refundVolume", {**user, **volume(30), "referenceCode": "V1", **seconds}, None
        yield ("refundVolume", {**user, **volume(61), "referenceCode": "V7", **seconds, "originalReferenceCode": "V1"},
               Fault("SVC0270"))
        if v3:
            yield ("chargeSplitVolume", {"splitInfo": shares, **volume(60), "referenceCode": "V8" + split, **seconds}, None)
            share = {**user, "originalReferenceCode": "V8" + split}
            yield "refundVolume", {**share, **volume(31), "referenceCode": "V10"}, Fault("SVC0270")
            yield "refundVolume", {**share, **volume(12), "referenceCode": "V10"}, None
            yield ("chargeSplitVolume", {"splitInfo": shares[:1], **volume(60), "referenceCode": "V9", **seconds},
                   Fault("SVC0007"))

    def reserved_amounts():
        hold = {"reservationIdentifier": Saved("hold")}
        unknown = Fault("SVC0002", "reservationIdentifier")
        yield RESERVE_AMOUNT, "reserveAmount", {**user, **much("10")}, Saved("hold")
        yield RESERVE_AMOUNT, "reserveAdditionalAmount", {**hold, **much("5")}, None
        yield RESERVE_AMOUNT, "reserveAdditionalAmount", {**hold, **much("-3")}, None
        yield RESERVE_AMOUNT, "reserveAdditionalAmount", {**hold, **much("-12.01")}, Fault("SVC0007")
        yield RESERVE_AMOUNT, "chargeReservation", {**hold, **much("4"), "referenceCode": "H1"}, None
        yield RESERVE_AMOUNT, "chargeReservation", {**hold, **much("4"), "referenceCode": "H1"}, None
        yield (RESERVE_AMOUNT, "chargeReservation", {**hold, **much("2"), "referenceCode": "H2", "balanceType": "main"},
               None)
        yield RESERVE_AMOUNT, "chargeReservation", {**hold, **much("6.01"), "referenceCode": "H3"}, Fault("SVC0270")
        other_balance = {"balanceType": "bonus"}
        for operation, children in (("reserveAdditionalAmount", much("1")), ("releaseReservation", {}),
                                    ("chargeReservation", {**much("1"), "referenceCode": "H3"})):
            yield RESERVE_AMOUNT, operation, {**hold, **children, **other_balance}, Fault("SVC0002", "balanceType")
        for operation, children in (("reserveAdditionalVolume", volume(1)), ("releaseReservation", {}),
                                    ("chargeReservation", {**volume(1), "referenceCode": "H3"})):
            yield RESERVE_VOLUME, operation, {**hold, **children}, unknown
        yield RESERVE_AMOUNT, "releaseReservation", hold, None
        yield RESERVE_AMOUNT, "releaseReservation", hold, unknown
        yield AMOUNT, "refundAmount", {**user, **much("1"), "referenceCode": "H1"}, None

    def reserved_volumes():
        hold = {"reservationIdentifier": Saved("volume")}
        unknown = Fault("SVC0002", "reservationIdentifier")
        yield RESERVE_VOLUME, "getAmount", {**user, "volume": 61, **seconds}, price("0.20")
        yield RESERVE_VOLUME, "reserveVolume", {**user, **volume(120), **seconds}, Saved("volume")
        yield RESERVE_VOLUME, "reserveAdditionalVolume", {**hold, **volume(90)}, None
        yield RESERVE_VOLUME, "reserveAdditionalVolume", {**hold, **volume(-30)}, None
        yield RESERVE_VOLUME, "reserveAdditionalVolume", {**hold, **volume(-181)}, Fault("SVC0002", "volume")
        yield RESERVE_VOLUME, "reserveAdditionalVolume", {**hold, **volume(0)}, Fault("SVC0002", "volume")
        yield RESERVE_VOLUME, "chargeReservation", {**hold, **volume(30), "referenceCode": "R1"}, None
        yield RESERVE_VOLUME, "chargeReservation", {**hold, **volume(30), "referenceCode": "R2"}, None  # same minute
        yield RESERVE_VOLUME, "chargeReservation", {**hold, **volume(121), "referenceCode": "R3"}, Fault("SVC0270")
        for operation, children in (("reserveAdditionalAmount", much("1")), ("releaseReservation", {}),
                                    ("chargeReservation", {**much("1"), "referenceCode": "R3"})):
            yield RESERVE_AMOUNT, operation, {**hold, **children}, unknown
        yield (RESERVE_VOLUME, "releaseReservation", {**hold, "balanceType": "data"}, Fault("SVC0002", "balanceType"))
        yield RESERVE_VOLUME, "releaseReservation", hold, None
        yield RESERVE_VOLUME, "releaseReservation", hold, unknown

    yield from ((AMOUNT, *row) for row in amounts())
    yield from ((VOLUME, *row) for row in volumes())
    yield from reserved_amounts()
    yield from reserved_volumes()


def journal(version, payer):
    """What finance must find in the end: reference, kind, balance, amount."""
    expected = {("A1", "charge", "main", "-10.00"), ("A2", "charge", "bonus", "-1.25"), ("A1", "refund", "main", "4.00"),
                ("A5", "refund", "main", "1.00"), ("V1", "charge", "main", "-0.20"), ("V2", "charge", "data", "-1000"),
                ("V1", "refund", "main", "0.10"), ("H1", "capture", "main", "-4.00"), ("H2", "capture", "main", "-2.00"),
                ("H1", "refund", "main", "1.00"), ("R1", "capture", "main", "-0.10")}
    if version != "v2_0":
        expected |= {("V4", "charge", "data", "-500"), ("V6", "refund", "data", "100")}
    if version.startswith("v3"):
        expected |= {("A7" + version + payer, "split", "main", "-0.03"), ("V8" + version + payer, "split", "main", "-0.05"),
                     ("A9", "refund", "main", "0.02"), ("A10", "refund", "main", "0.01"), ("V10", "refund", "main", "0.02")}
    return expected


class PaymentOperations(DemoCase):
    program = LEDGERLINE
    settings = {"ADDRESS_COUNTRY": "1", "PAYMENT_MINOR_AMOUNTS_OF": "gateway"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.command("tariff", "add", "calls", "--unit", "seconds", "--currency", "EUR", "--price", "0.10", "--per", "60",
                    "--step", "60")
        secret = os.path.join(cls.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("gateway")
        cls.command("user", "add", "gateway", "--password-file", secret)
        for grant in ("payment.charge", "payment.refund", "payment.reserve"):
            cls.command("user", "grant", "gateway", grant, "example.com")

    def finance(self, query):
        return self.command("psql", "--", "-At", "-F", " ", "-c", query).splitlines()

    def client(self, user="demo-app"):
        made = Backwards(self.url, user, user)
        self.addCleanup(made.close)
        return made

    def ask(self, client, *call, expected=None):
        """The result of one call, which is refused if a fault is expected."""
        answer = client.call(*call)
        if expected:
            self.check(answer, expected, {})
        else:
            self.assertNotIsInstance(answer, Refusal)
        return answer

    def check(self, answer, expected, saved):
        if isinstance(expected, Fault):
            self.assertIsInstance(answer, Refusal)
            self.assertEqual(answer.message_id, expected.message_id, answer.text)
            self.assertTrue(answer.text.endswith(expected.part), answer.text)
        elif isinstance(expected, Saved):
            self.assertRegex(answer, "^[0-9a-f]{36}$")
            saved[expected.name] = answer
        else:
            self.assertEqual(decimals(answer), decimals(expected))

    def test_every_operation_in_every_version_by_every_client(self):
        zeep = Zeep(self.url)
        published = {(interface, version, operation) for version in VERSIONS
                     for interface in (AMOUNT, VOLUME, RESERVE_AMOUNT, RESERVE_VOLUME)
                     for operation in zeep.operations(interface, version)}
        zeep.close()
        number = 10
        for make in CLIENTS:
            client, done = make(self.url), set()
            for version in VERSIONS:
                payer, other = (f"tel:+1555{number + i:04}" for i in range(2))
                number += 2
                saved = {}
                for interface, operation, children, expected in rows(version, payer, other):
                    children = {name: saved[value.name] if isinstance(value, Saved) else value
                                for name, value in children.items()}
                    with self.subTest(client=make.__name__, version=version, operation=operation, children=children):
                        self.check(client.call(interface, version, operation, children), expected, saved)
                    done.add((interface, version, operation))
                with self.subTest(client=make.__name__, version=version):
                    self.check_books(version, payer, saved)
            client.close()
            self.assertEqual(done, published)

    def check_books(self, version, payer, saved):
        found = self.finance("select reference_code, kind, balance_type, amount from journal "
                             f"where address = '{payer}' and application <> 'demo'")
        self.assertEqual(sorted(found), sorted(" ".join(row) for row in journal(version, payer)))
        self.assertEqual(self.finance(f"select distinct description from journal where address = '{payer}' "
                                      "and application <> 'demo'"), [TEXT])
        self.assertEqual(self.finance(f"select sum(held) from balances where address = '{payer}'"), ["0.00"])
        for hold in saved.values():
            self.assertEqual(self.finance(f"select address, state, application from holds where hold_id = '{hold[4:]}'"),
                             [f"{payer} released demo-app"])

    def test_requests_without_a_reference_are_repeatable_under_their_key(self):
        message_id = '<a:MessageID xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:{}</a:MessageID>'
        # Of any length, and in bytes that no text has.
        ways = (("header", "{}"), ("message", "{}"), ("message", "x" * 300 + "{}"), ("header", "caf\xe9 {}"))
        for number, (keyed, form) in enumerate(ways):
            client, payer = self.client(), {"endUserIdentifier": f"tel:+1555004{number}"}

            def key(text, client=client, keyed=keyed, form=form):
                text = form.format(text)
                if keyed == "header":
                    client.session.headers["Idempotency-Key"] = text
                else:
                    client.header = "<e:Header>" + message_id.format(text) + "</e:Header>"

            def twice(interface, operation, children, text, client=client, key=key):
                key(text)
                first = self.ask(client, interface, "v2_1", operation, children)
                self.assertFalse(client.replayed)
                self.assertEqual(self.ask(client, interface, "v3_1", operation, children), first)
                self.assertTrue(client.replayed)
                return first

            much = {"charge": {"description": TEXT, "currency": "EUR", "amount": "10"}}
            volume = {"volume": 120, "billingText": TEXT}
            hold = twice(RESERVE_AMOUNT, "reserveAmount", {**payer, **much}, "1")
            of_volume = twice(RESERVE_VOLUME, "reserveVolume", {**payer, **volume}, "2")
            held = f"select held from balances where address = '{payer['endUserIdentifier']}' and balance_type = 'main'"
            self.assertEqual(self.finance(held), ["10.20"])
            self.ask(client, RESERVE_VOLUME, "v2_1", "reserveVolume", {**payer, **volume, "volume": 121},
                     expected=Fault("SVC0002", "referenceCode"))
            self.ask(client, RESERVE_AMOUNT, "v2_1", "reserveAmount", {**payer, **much},
                     expected=Fault("SVC0002", "referenceCode"))
            twice(RESERVE_VOLUME, "reserveAdditionalVolume", {"reservationIdentifier": of_volume, **volume}, "3")
            twice(RESERVE_AMOUNT, "reserveAdditionalAmount", {"reservationIdentifier": hold, **much}, "4")
            self.assertEqual(self.finance(held), ["20.40"])
            twice(RESERVE_AMOUNT, "releaseReservation", {"reservationIdentifier": hold}, "5")
            twice(RESERVE_VOLUME, "releaseReservation", {"reservationIdentifier": of_volume}, "6")
            self.assertEqual(self.finance(held), ["0.00"])

    def test_where_there_is_a_reference_it_is_the_key(self):
        client, payer = self.client(), {"endUserIdentifier": "tel:+15550045"}
        client.session.headers["Idempotency-Key"] = "same"
        for reference in ("K1", "K2", "K2"):
            self.ask(client, VOLUME, "v2_1", "chargeVolume",
                     {**payer, "volume": 60, "billingText": TEXT, "referenceCode": reference})
        self.assertTrue(client.replayed)
        self.assertEqual(self.finance("select reference_code, amount from journal where address = 'tel:+15550045' "
                                      "and kind = 'charge' order by 1"), ["K1 -0.10", "K2 -0.10"])

    def test_a_reservation_belongs_to_its_application(self):
        unknown, payer = Fault("SVC0002", "reservationIdentifier"), {"endUserIdentifier": "tel:+15550046"}
        volume = {"volume": 60, "billingText": TEXT}
        hold = self.ask(self.client(), RESERVE_VOLUME, "v3_1", "reserveVolume", {**payer, **volume})
        for wrong in (hold, hold[:-1] + ("0" if hold[-1] != "0" else "1"), "", "' or true --"):
            for operation, children in (("chargeReservation", {**volume, "referenceCode": "X"}),
                                        ("reserveAdditionalVolume", volume), ("releaseReservation", {})):
                self.ask(self.client("gateway"), RESERVE_VOLUME, "v3_1", operation,
                         {"reservationIdentifier": wrong, **children}, expected=unknown)
        self.ask(self.client(), RESERVE_VOLUME, "v2_0", "chargeReservation",
                 {"reservationIdentifier": hold, **volume, "referenceCode": "X"})

    def test_what_became_of_each_operation(self):
        """One reference for all: each operation is a request of its own, and all of them are told."""
        client, key = self.client(), "caf\xe9/1 +%20?&#;=\U0001f3b5"
        client.session.headers["Idempotency-Key"] = key.encode()
        address, other = "tel:+15550049", "tel:+15550050"
        payer = {"endUserIdentifier": address}

        def ask(interface, operation, children, version="v3_1"):
            return self.ask(client, interface, version, operation, children)

        def much(amount):
            return {"charge": {"description": TEXT, "currency": "EUR", "amount": amount}}

        def volume(number):
            return {"volume": number, "billingText": TEXT}

        def share(part):
            return {"splitInfo": [{"endUserIdentifier": address, "percent": part},
                                  {"endUserIdentifier": other, "percent": 100 - part}]}

        def told(reference, about=address):
            answer = client.session.get(f"{self.url}/ParlayX/requests/{quote(reference, safe='')}",
                                        params={"endUserIdentifier": about})
            self.assertIn(answer.status_code, (200, 404), answer.text)
            return [(one["operation"], one["amount"], one["unit"], one.get("refunded"))
                    for one in answer.json().get("requests", [])]

        named = {"referenceCode": key}
        voucher = json.loads(self.command("voucher", "create", "status", "5", "EUR", "--count", "1", "--domain",
                                          "example.com", "--balance", "main", "--json"))["vouchers"][0]["code"]
        ask(AMOUNT, "chargeAmount", {**payer, **much("3"), **named})
        ask(AMOUNT, "refundAmount", {**payer, **much("1"), **named})
        hold = {"reservationIdentifier": ask(RESERVE_AMOUNT, "reserveAmount", {**payer, **much("10")})}
        ask(RESERVE_AMOUNT, "reserveAdditionalAmount", {**hold, **much("2")})
        ask(RESERVE_AMOUNT, "chargeReservation", {**hold, **much("4"), **named})
        ask(RESERVE_AMOUNT, "releaseReservation", hold)
        ask(AMOUNT, "chargeSplitAmount", {**share(60), **much("1"), **named})
        top_up = {**payer, **named, "balanceType": "bonus", "amount": "2.5"}
        ask("AccountManagement", "balanceUpdate", top_up)
        ask("AccountManagement", "voucherUpdate", {**payer, **named, "voucherIdentifier": voucher})
        self.assertEqual(told(key), [
            ("charge", "3.00", "EUR", "1.00"), ("refund", "1.00", "EUR", None), ("hold", "10.00", "EUR", None),
            ("extend", "2.00", "EUR", None), ("capture", "4.00", "EUR", None), ("release", "8.00", "EUR", None),
            ("split", "0.60", "EUR", None), ("credit", "2.50", "EUR", None), ("voucher", "5.00", "EUR", None)])
        self.assertEqual(told(key, other), [("split", "0.40", "EUR", None)])
        self.assertEqual(told(key, "tel:+15550051"), [])
        ask(AMOUNT, "refundAmount", {**payer, **much("0.25"), "referenceCode": "back", "originalReferenceCode": key}, "v2_1")
        self.assertEqual(told("back"), [("refund", "0.25", "EUR", None)])

        client.session.headers["Idempotency-Key"] = key = "of volumes"
        named = {"referenceCode": key}
        ask(VOLUME, "chargeVolume", {**payer, **volume(90), **named})
        ask(VOLUME, "refundVolume", {**payer, **volume(40), **named})
        hold = {"reservationIdentifier": ask(RESERVE_VOLUME, "reserveVolume", {**payer, **volume(60)})}
        ask(RESERVE_VOLUME, "reserveAdditionalVolume", {**hold, **volume(61)})
        ask(RESERVE_VOLUME, "chargeReservation", {**hold, **volume(1), **named})
        ask(RESERVE_VOLUME, "releaseReservation", hold)
        ask(VOLUME, "chargeSplitVolume", {**share(50), **volume(200), **named})
        ask(VOLUME, "refundVolume", {**payer, **volume(50), "referenceCode": "back 2", "originalReferenceCode": key},
            "v2_1")
        self.assertEqual(told(key), [
            ("charge", "0.20", "EUR", "0.20"), ("refund", "0.10", "EUR", None), ("hold", "0.10", "EUR", None),
            ("extend", "0.20", "EUR", None), ("capture", "0.10", "EUR", None), ("release", "0.20", "EUR", None),
            ("split", "0.20", "EUR", None)])

    def test_a_request_that_is_repeated_after_its_account_was_closed(self):
        """It was done, and so it is told; nothing else is done there any more."""
        client, gone, other = self.client(), "tel:+15559001", "tel:+15550052"
        payer = {"endUserIdentifier": gone}
        self.command("account", "open", gone, "--domain", "example.com")
        self.command("balance", "credit", gone, "10.00", "EUR", "--balance", "main", "--reference", "opening")
        voucher = json.loads(self.command("voucher", "create", "farewell", "5", "EUR", "--count", "1", "--domain",
                                          "example.com", "--balance", "main", "--json"))["vouchers"][0]["code"]
        shares = [{"endUserIdentifier": gone, "percent": 50}, {"endUserIdentifier": other, "percent": 50}]
        volume = {"volume": 60, "billingText": TEXT}

        def requests(amount, reference):
            charge = {"charge": {"description": TEXT, "currency": "EUR", "amount": amount}, "referenceCode": reference}
            yield AMOUNT, "chargeAmount", {**payer, **charge}
            yield AMOUNT, "refundAmount", {**payer, **charge}
            yield AMOUNT, "chargeSplitAmount", {"splitInfo": shares, **charge}
            yield VOLUME, "chargeVolume", {**payer, **volume, "referenceCode": reference + " volume"}
            yield "AccountManagement", "balanceUpdate", {**payer, "balanceType": "main", "amount": amount,
                                                         "referenceCode": reference}
            yield "AccountManagement", "voucherUpdate", {**payer, "voucherIdentifier": voucher, "referenceCode": reference}

        def told():
            answer = client.session.get(f"{self.url}/ParlayX/requests/F1", params=payer)
            return answer.status_code, [one["operation"] for one in answer.json().get("requests", [])]

        for request in requests("2.00", "F1"):
            self.ask(client, *request[:1], "v3_1", *request[1:])
            self.assertFalse(client.replayed)
        before = told()
        self.assertEqual(before, (200, ["charge", "refund", "split", "credit", "voucher"]))
        self.command("account", "close", gone)
        books = self.finance("select count(*) from journal")
        for request in requests("2.00", "F1"):
            self.ask(client, *request[:1], "v3_1", *request[1:])
            self.assertTrue(client.replayed)
        self.assertEqual(told(), before)
        unknown = Fault("SVC0002", "endUserIdentifier")
        for request in requests("2.00", "F2"):
            self.ask(client, *request[:1], "v3_1", *request[1:], expected=unknown)
        self.ask(client, VOLUME, "v3_1", "getAmount", {**payer, "volume": 60}, expected=unknown)
        self.ask(client, "AccountManagement", "v3_1", "getBalance", payer, expected=unknown)
        self.assertEqual(self.finance("select count(*) from journal"), books)
        # Who has the address next has a past of its own.
        self.command("account", "open", gone, "--domain", "example.com")
        self.assertEqual(told(), (404, []))
        self.ask(client, *next(requests("2.00", "F1"))[:1], "v3_1", *next(requests("2.00", "F1"))[1:],
                 expected=Fault("SVC0002", "balanceType"))

    def test_an_application_may_count_minor_units(self):
        client, payer = self.client("gateway"), {"endUserIdentifier": "tel:+15550047"}
        text = {"billingText": TEXT}
        self.ask(client, AMOUNT, "v2_0", "chargeAmount", {**payer, "amount": "150", **text, "referenceCode": "M1"})
        self.ask(client, AMOUNT, "v2_0", "chargeAmount", {**payer, "amount": "150.0", **text, "referenceCode": "M1"})
        self.assertTrue(client.replayed)
        for amount in ("150.5", "0", "-1"):
            self.ask(client, AMOUNT, "v2_0", "chargeAmount", {**payer, "amount": amount, **text, "referenceCode": "M2"},
                     expected=Fault("SVC0007"))
        charge = {"description": TEXT, "currency": "EUR", "amount": "2000"}
        hold = {"reservationIdentifier": self.ask(client, RESERVE_AMOUNT, "v2_1", "reserveAmount",
                                                  {**payer, "charge": charge})}
        self.ask(client, RESERVE_AMOUNT, "v2_0", "chargeReservation",
                 {**hold, "amount": "1999", **text, "referenceCode": "M3"})
        self.ask(client, AMOUNT, "v2_0", "chargeAmount",
                 {**payer, "amount": "70", **text, "referenceCode": "M4", "balanceType": "data"})
        price = self.ask(client, VOLUME, "v2_1", "getAmount", {**payer, "volume": 90})
        self.assertEqual((price["amount"], price["currency"]), ("20", "EUR"))
        self.assertEqual(self.finance("select reference_code, amount from journal where address = 'tel:+15550047' "
                                      "and application = 'gateway' order by 1"), ["M1 -1.50", "M3 -19.99", "M4 -70"])

    def test_addresses_as_integrators_send_them(self):
        client = self.client()
        numbers = ("tel:+15550048", "+1 (555) 00-48", "tel:+1-555-0048", "TEL:5550048", "5550048", "05550048",
                   "15550048", "0015550048", "tel:5550048;phone-context=+1", "tel:+1.555.0048;cic=7")
        uris = ("sip:alice@EXAMPLE.com", "SIP:alice@example.com:5060", "sip:alice@example.com;transport=tcp;user=ip")
        for number, address in enumerate((*numbers, *uris)):
            with self.subTest(address=address):
                self.ask(client, VOLUME, "v2_1", "chargeVolume", {"endUserIdentifier": address, "volume": 1,
                                                                  "billingText": TEXT, "referenceCode": f"N{number}"})
        self.assertEqual(self.finance("select count(*) from journal where address = 'tel:+15550048' "
                                      "and kind = 'charge'"), [str(len(numbers))])
        self.assertEqual(self.finance("select count(*) from journal where address = 'tel:+15550001' "
                                      "and reference_code ~ '^N'"), [str(len(uris))])
        for address in ("tel:nobody", "5550999", "", "sip:nobody@example.com", "sip:alice@example.com.org:5060"):
            self.ask(client, VOLUME, "v2_1", "chargeVolume",
                     {"endUserIdentifier": address, "volume": 1, "billingText": TEXT, "referenceCode": "N99"},
                     expected=Fault("SVC0002", "endUserIdentifier"))


if __name__ == "__main__":
    unittest.main()
