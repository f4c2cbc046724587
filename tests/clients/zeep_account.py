#!/usr/bin/python3
"""Account Management, every operation in every version, through a strict SOAP client made from our WSDLs.

    zeep_account.py LEDGERLINE
"""
import concurrent.futures
import datetime
import functools
import json
import os
import shlex
import sys
import unittest
from decimal import Decimal

import requests
import zeep
from zeep.transports import Transport

from demo_case import DemoCase

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
SINGLE = ["v2_0", "v2_1"]  # an account has one balance
SEVERAL = ["v2_2", "v3_0", "v3_1"]
COMMON = {"v2_0": "v2_0", "v2_1": "v2_0", "v2_2": "v2_1", "v3_0": "v3_1", "v3_1": "v3_1"}
BASE = "http://www.csapi.org/schema/parlayx/"


class ZeepAccount(DemoCase):
    program = LEDGERLINE
    settings = {"PIN_TRIES": "7"}
    secrets = []

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sessions = []
        cls.clients = {version: cls.client(version) for version in SINGLE + SEVERAL}

    @classmethod
    def tearDownClass(cls):
        for session in cls.sessions:
            session.close()
        super().tearDownClass()
        assert "SVC0251" in cls.server.output or not cls.secrets
        for secret in cls.secrets:
            assert secret not in cls.server.output, "a voucher's code stands in the log"

    @classmethod
    @functools.cache
    def client(cls, version, user="demo-app", interface="AccountManagement"):
        session = requests.Session()
        session.auth = (user, user)
        session.trust_env = False
        cls.sessions.append(session)
        return zeep.Client(f"{cls.url}/ParlayX/{version}/{interface}?wsdl", settings=zeep.Settings(strict=True),
                           transport=Transport(session=session, timeout=60, operation_timeout=60))

    def balance(self, address, balance_type="main"):
        return self.rows(f"select posted from balances where address = '{address}' "
                         f"and balance_type = '{balance_type}'")[0]

    def refused(self, message_id, variable, operation, **arguments):
        """The fault that the WSDL declares, in the namespace of the version."""
        with self.assertRaises(zeep.exceptions.Fault) as raised:
            operation(**arguments)
        fault = raised.exception
        self.assertIn(message_id, fault.message)
        self.assertEqual(fault.detail.findtext(".//messageId"), message_id)
        self.assertEqual(fault.detail.findtext(".//variables"), variable)
        return fault

    def pin_file(self, pin):
        path = os.path.join(self.folder, "pin")
        with open(path, "w", encoding="utf-8") as file:
            file.write(pin + "\n")
        return path

    def test_balances_of_every_kind(self):
        for number, version in enumerate(SINGLE + SEVERAL):
            service, address = self.clients[version].service, f"tel:+1555001{number}"
            expected = Decimal(100)
            if version in SEVERAL:
                expected = [("main", Decimal(100)), ("bonus", Decimal(10)), ("data", Decimal(10**9))]
            self.assertEqual(self.amounts(service.getBalance(endUserIdentifier=address)), expected)
            if version in SEVERAL:
                self.assertEqual(service.getBalanceTypes(endUserIdentifier=address), ["main", "bonus", "data"])
            else:
                self.assertFalse(hasattr(service, "getBalanceTypes"))

    @staticmethod
    def amounts(result):
        return [(one.balanceType, one.amount) for one in result] if isinstance(result, list) else result

    def test_what_is_reserved_is_no_balance(self):
        reserve = self.client("v2_1", interface="ReserveAmountCharging").service
        charge = {"description": "a test", "currency": "EUR", "amount": Decimal("12.34")}
        reserve.reserveAmount(endUserIdentifier="tel:+15550016", charge=charge)
        for version in SINGLE + SEVERAL:
            result = self.clients[version].service.getBalance(endUserIdentifier="tel:+15550016")
            self.assertEqual(result if version in SINGLE else result[0].amount, Decimal("87.66"), version)

    def new_account(self, address, *balances):
        self.command("account", "open", address, "--domain", "example.com")
        for balance in balances:
            self.command("balance", "open", address, balance)

    def test_top_ups_and_expiry_dates(self):
        for number, version in enumerate(SINGLE + SEVERAL):
            service, address = self.clients[version].service, f"tel:+1555990{number}"
            self.new_account(address, *(["bonus", "main"] if version in SINGLE else ["main"]))
            if version in SINGLE:  # speaks of the default balance, whatever it is
                touched, of_type = "bonus", {}
                self.assertIsNone(service.getCreditExpiryDate(endUserIdentifier=address))
            else:  # a top-up makes the balance
                touched, of_type = "bonus", {"balanceType": "bonus"}
            request = dict(endUserIdentifier=address, referenceCode="T1", amount=Decimal("2.50"), period=30, **of_type)
            self.assertIsNone(service.balanceUpdate(**request))
            self.assertIsNone(service.balanceUpdate(**request))  # the first answer again
            self.assertEqual(self.balance(address, touched), "2.50")
            date = service.getCreditExpiryDate(endUserIdentifier=address)
            if version in SEVERAL:
                dates = {one.balanceType: one.date for one in date}
                self.assertIsNone(dates.pop("main"))
                date = dates["bonus"]
            left = date - datetime.datetime.now(datetime.timezone.utc)
            self.assertLess(abs(left - datetime.timedelta(days=30)), datetime.timedelta(minutes=10))
            if version in SEVERAL:  # an empty type is the default balance
                service.balanceUpdate(**{**request, "referenceCode": "T2", "balanceType": ""})
                self.assertEqual(self.balance(address), "2.50")

            request["referenceCode"] = "T3"
            for part, value in (("amount", Decimal(0)), ("amount", Decimal(-1)), ("amount", Decimal("0.001")),
                                ("amount", Decimal(10) ** 30), ("period", 0), ("period", -1), ("referenceCode", ""),
                                ("endUserIdentifier", "tel:+19990000")):
                self.refused("SVC0002", part, service.balanceUpdate, **{**request, part: value})
            if version in SEVERAL:
                self.refused("SVC0002", "balanceType", service.balanceUpdate, **{**request, "balanceType": "gold"})
            self.refused("SVC0002", "referenceCode", service.balanceUpdate,
                         **{**request, "referenceCode": "T1", "amount": Decimal(7)})
            self.assertEqual(self.balance(address, touched), "2.50")

    def test_vouchers(self):
        batch = json.loads(self.command("voucher", "create", "spring", "5", "EUR", "--count", "10", "--pin-digits",
                                           "4", "--domain", "example.com", "--balance", "main", "--json"))
        vouchers = iter(batch["vouchers"])
        for number, version in enumerate(SINGLE + SEVERAL):
            service, address = self.clients[version].service, f"tel:+1555003{number}"
            voucher, blocked = next(vouchers), next(vouchers)
            request = dict(endUserIdentifier=address, referenceCode="V1", voucherIdentifier=voucher["code"],
                           voucherPin=voucher["pin"])
            wrong = {**request, "voucherPin": "x"}
            self.refused("SVC0251", voucher["code"], service.voucherUpdate, **wrong)
            self.assertIsNone(service.voucherUpdate(**request))
            self.assertIsNone(service.voucherUpdate(**request))  # the first answer again
            self.assertEqual(self.balance(address), "105.00")
            self.refused("SVC0251", voucher["code"], service.voucherUpdate, **{**request, "referenceCode": "V2"})
            self.command("voucher", "block", "spring", str(blocked["serial"]))
            self.refused("SVC0251", blocked["code"], service.voucherUpdate,
                         **{**request, "referenceCode": "V2", "voucherIdentifier": blocked["code"],
                            "voucherPin": blocked["pin"]})
            self.refused("SVC0251", "nonsense", service.voucherUpdate,
                         **{**request, "referenceCode": "V2", "voucherIdentifier": "nonsense"})
            self.refused("SVC0251", "", service.voucherUpdate,
                         **{**request, "referenceCode": "V2", "voucherIdentifier": ""})
            # Five were wrong: now none is looked at.
            self.refused("POL0001", "over-limit", service.voucherUpdate,
                         **{**request, "referenceCode": "V2", "voucherIdentifier": "another"})
            self.assertEqual(self.balance(address), "105.00")
            self.secrets += [voucher["code"], blocked["code"]]

    def test_history(self):
        for number, version in enumerate(SINGLE + SEVERAL):
            service, address = self.clients[version].service, f"tel:+1555004{number}"
            charging = self.client("v2_1", interface="AmountCharging").service
            for reference, amount, balance in (("h-1", 1, "main"), ("h-2", 2, "bonus"), ('h "3"\\', 3, "main")):
                charging.chargeAmount(endUserIdentifier=address, referenceCode=reference, balanceType=balance,
                                      charge={"description": "a song", "currency": "EUR", "amount": Decimal(amount)})
            entries = service.getHistory(endUserIdentifier=address)
            details = [self.taken_apart(one.transactionDetails) for one in entries]
            expected = ['h "3"\\', "h-2", "h-1", "demo-data", "demo-bonus", "demo-main"]
            if version in SINGLE:  # the default balance alone
                expected = ['h "3"\\', "h-1", "demo-main"]
            self.assertEqual([one["referenceCode"] for one in details], expected)
            self.assertEqual(entries[0].transactionDetails,
                             'kind=charge amount=-3.00 unit=EUR balanceType=main balanceAfter=96.00 '
                             'application=demo-app referenceCode="h \\"3\\"\\\\" description="a song"')
            self.assertEqual([one.transactionDate for one in entries],
                             sorted((one.transactionDate for one in entries), reverse=True))

            self.assertEqual(len(service.getHistory(endUserIdentifier=address, maxEntries=2)), 2)
            newest = service.getHistory(endUserIdentifier=address, maxEntries=1, date=entries[-1].transactionDate)
            self.assertEqual(newest[0], entries[0])
            since = service.getHistory(endUserIdentifier=address, date=entries[1].transactionDate)
            self.assertEqual([one.transactionDetails for one in since], [one.transactionDetails for one in entries[:2]])
            later = entries[0].transactionDate + datetime.timedelta(seconds=1)
            self.assertFalse(service.getHistory(endUserIdentifier=address, date=later))
            self.assertFalse(service.getHistory(endUserIdentifier=address, maxEntries=0))
            self.refused("SVC0002", "maxEntries", service.getHistory, endUserIdentifier=address, maxEntries=-1)

    @staticmethod
    def taken_apart(details):
        return dict(pair.split("=", 1) for pair in shlex.split(details))

    def test_pins(self):
        address = "tel:+15550050"
        self.command("account", "pin", address, "--file", self.pin_file("4711"))
        for version in SINGLE + SEVERAL:
            service = self.clients[version].service
            for operation, more in self.operations(service, version).items():
                call, arguments = getattr(service, operation), {"endUserIdentifier": address, **more}
                if operation == "voucherUpdate":  # gets as far as the voucher
                    self.refused("SVC0251", "nonsense", call, endUserPin="4711", **arguments)
                else:
                    call(endUserPin="4711", **arguments)
                self.refused("SVC0250", None, call, **arguments)
                self.refused("SVC0250", None, call, endUserPin="", **arguments)
                self.refused("SVC0250", None, call, endUserPin="4712", **arguments)
            # A new one, though the same, forgets the wrong tries.
            self.command("account", "pin", address, "--file", self.pin_file("4711"))
        service = self.clients["v2_2"].service
        service.getBalance(endUserIdentifier="tel:+15550051", endUserPin="whatever")  # has none

        # At once or one after the other: after seven wrong ones not even the right one is looked at.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            tries = [pool.submit(self.refused, "SVC0250", None, service.getBalance, endUserIdentifier=address,
                                 endUserPin=str(number)) for number in range(12)]
            for one in tries:
                one.result()
        self.refused("SVC0250", None, service.getBalance, endUserIdentifier=address, endUserPin="4711")
        self.command("account", "pin", address, "--file", self.pin_file("0815"))
        service.getBalance(endUserIdentifier=address, endUserPin="0815")
        self.refused("SVC0250", None, service.getBalance, endUserIdentifier=address, endUserPin="4711")
        self.command("account", "pin", address, "--clear")
        service.getBalance(endUserIdentifier=address)

    @staticmethod
    def operations(service, version):
        of_type = {"balanceType": "main"} if version in SEVERAL else {}
        all_of_them = {
            "getBalance": {},
            "getCreditExpiryDate": {},
            "getBalanceTypes": {},
            "getHistory": {},
            "balanceUpdate": {"referenceCode": f"P-{version}", "amount": Decimal(1), **of_type},
            "voucherUpdate": {"referenceCode": f"P-{version}", "voucherIdentifier": "nonsense"},
        }
        return {name: more for name, more in all_of_them.items() if hasattr(service, name)}

    def test_rights(self):
        for version in SINGLE + SEVERAL:
            alice, bob = self.client(version, "alice").service, "tel:+15550002"
            for operation, more in self.operations(alice, version).items():
                call = getattr(alice, operation)
                for stranger in (bob, "tel:+19990000"):  # existing or not
                    self.refused("POL0001", "not-allowed", call, endUserIdentifier=stranger, **more)
                if operation == "balanceUpdate":
                    self.refused("POL0001", "not-allowed", call, endUserIdentifier="tel:+15550001", **more)
                elif operation != "voucherUpdate":
                    call(endUserIdentifier="tel:+15550001", **more)
                    call(endUserIdentifier="sip:alice@example.com", **more)
            self.client(version, "admin").service.getBalance(endUserIdentifier=bob)

    def test_faults_are_of_the_version(self):
        for version in SINGLE + SEVERAL:
            fault = self.refused("SVC0002", "endUserIdentifier", self.clients[version].service.getBalance,
                                 endUserIdentifier="tel:+19990000")
            self.assertEqual(fault.detail[0].tag, f"{{{BASE}common/{COMMON[version]}}}ServiceException")
            self.assertEqual(fault.detail.findtext(".//text"), "Invalid input value for message part %1")


if __name__ == "__main__":
    unittest.main()
