#!/usr/bin/python3
"""A SOAP client that nobody here wrote, made from the WSDL that the server publishes.

    zeep_payment.py LEDGERLINE
"""
import os
import sys
import unittest
from decimal import Decimal

import requests
import zeep
from zeep.transports import Transport

from demo_case import DemoCase

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
VERSIONS = ["v2_1", "v3_1"]


class ZeepPayment(DemoCase):
    program = LEDGERLINE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clients = {version: cls.client(version) for version in VERSIONS}

    @classmethod
    def client(cls, version, user="demo-app", password="demo-app", interface="AmountCharging"):
        session = requests.Session()
        session.auth = (user, password)
        session.trust_env = False
        return zeep.Client(f"{cls.url}/ParlayX/{version}/{interface}?wsdl",
                           transport=Transport(session=session, timeout=60, operation_timeout=60))

    def balance(self, address, balance_type="main"):
        return self.rows(f"select posted from balances where address = '{address}' "
                         f"and balance_type = '{balance_type}'")[0]

    @staticmethod
    def charge(client, address, amount, reference, **more):
        return client.service.chargeAmount(
            endUserIdentifier=address, referenceCode=reference,
            charge={"description": "a test", "currency": "EUR", "amount": amount}, **more)

    def fault(self, *arguments, **more):
        with self.assertRaises(zeep.exceptions.Fault) as raised:
            self.charge(*arguments, **more)
        return raised.exception

    def test_charge_and_refund_in_every_version(self):
        for number, version in enumerate(VERSIONS):
            client = self.clients[version]
            address = f"tel:+1555002{number}"
            self.assertIsNone(self.charge(client, address, Decimal("1.50"), "Z1"))
            self.assertEqual(self.balance(address), "98.50")
            self.assertIsNone(self.charge(client, address, Decimal("1.50"), "Z1"))  # the first answer again
            self.assertEqual(self.balance(address), "98.50")
            client.service.refundAmount(endUserIdentifier=address, referenceCode="Z1",
                                        charge={"description": "sorry", "currency": "EUR", "amount": Decimal("0.50")})
            self.assertEqual(self.balance(address), "99.00")

    def test_one_reference_means_the_same_in_all_versions(self):
        for version in VERSIONS:
            self.charge(self.clients[version], "tel:+15550025", Decimal(1), "same")
        self.assertEqual(self.balance("tel:+15550025"), "99.00")

    def test_a_named_balance(self):
        for number, version in enumerate(VERSIONS):
            self.charge(self.clients[version], "tel:+15550030", Decimal("1.25"), f"B{number}", balanceType="bonus")
        self.assertEqual(self.balance("tel:+15550030", "bonus"), "7.50")
        self.assertEqual(self.balance("tel:+15550030"), "100.00")

    def reserving(self, version):
        return self.client(version, interface="ReserveAmountCharging")

    def test_reservations_in_every_version(self):
        for number, version in enumerate(["v2_0", *VERSIONS]):
            service = self.reserving(version).service
            address = f"tel:+1555004{number}"

            def much(amount, version=version):
                if version == "v2_0":
                    return {"amount": Decimal(amount), "billingText": "a test"}
                return {"charge": {"description": "a test", "currency": "EUR", "amount": Decimal(amount)}}

            hold = service.reserveAmount(endUserIdentifier=address, **much("10"))
            service.reserveAdditionalAmount(reservationIdentifier=hold, **much("-2"))
            service.chargeReservation(reservationIdentifier=hold, referenceCode="H1", **much("1.5"))
            service.chargeReservation(reservationIdentifier=hold, referenceCode="H1", **much("1.5"))  # once
            self.assertEqual(self.rows(f"select posted, held from balances where address = '{address}' "
                                       "and balance_type = 'main'"), ["98.50|6.50"])
            for call, expected in ((dict(referenceCode="H2", **much("7")), "SVC0270"),
                                   (dict(referenceCode="H2", balanceType="bonus", **much("1")), "balanceType")):
                with self.assertRaisesRegex(zeep.exceptions.Fault, expected):
                    service.chargeReservation(reservationIdentifier=hold, **call)
            service.releaseReservation(reservationIdentifier=hold)
            with self.assertRaisesRegex(zeep.exceptions.Fault, "SVC0002.*reservationIdentifier"):
                service.releaseReservation(reservationIdentifier=hold)
            self.assertEqual(self.rows(f"select posted, held from balances where address = '{address}' "
                                       "and balance_type = 'main'"), ["98.50|0.00"])

    def test_a_reservation_is_repeatable_under_its_key(self):
        client = self.reserving("v2_1")
        client.transport.session.headers["Idempotency-Key"] = "key-1"
        charge = {"description": "a test", "currency": "EUR", "amount": Decimal(10)}
        first = client.service.reserveAmount(endUserIdentifier="tel:+15550045", charge=charge)
        self.assertEqual(client.service.reserveAmount(endUserIdentifier="tel:+15550045", charge=charge), first)
        client.transport.session.headers["Idempotency-Key"] = "key-2"
        self.assertNotEqual(client.service.reserveAmount(endUserIdentifier="tel:+15550045", charge=charge), first)
        self.assertEqual(self.rows("select held from balances where address = 'tel:+15550045' "
                                   "and balance_type = 'main'"), ["20.00"])

    def test_a_split_charge(self):
        shares = [{"endUserIdentifier": f"tel:+1555005{number}", "percent": percent}
                  for number, percent in enumerate((50, 25, 25))]
        charge = {"description": "a test", "currency": "EUR", "amount": Decimal("0.05")}
        service = self.clients["v3_1"].service
        for _ in range(2):  # the first answer again
            service.chargeSplitAmount(splitInfo=shares, charge=charge, referenceCode="split-1")
        self.assertEqual([self.balance(share["endUserIdentifier"]) for share in shares], ["99.97", "99.99", "99.99"])
        shares[0]["percent"] = 49
        with self.assertRaisesRegex(zeep.exceptions.Fault, "SVC0007"):
            service.chargeSplitAmount(splitInfo=shares, charge=charge, referenceCode="split-2")

    def test_a_code_without_an_amount_costs_its_price(self):
        address, charge = "tel:+15550060", {"description": "a song", "code": "SONG"}
        for client in self.clients.values():
            with self.assertRaisesRegex(zeep.exceptions.Fault, "SVC0007"):
                client.service.chargeAmount(endUserIdentifier=address, charge=charge, referenceCode="song-0")
        self.command("tariff", "price", "SONG", "2.50", "EUR")
        for version, client in self.clients.items():
            for _ in range(2):  # the first answer again
                client.service.chargeAmount(endUserIdentifier=address, charge=charge, referenceCode=f"song-{version}")
            reserve = self.client(version, interface="ReserveAmountCharging").service
            hold = reserve.reserveAmount(endUserIdentifier=address, charge=charge)
            reserve.chargeReservation(reservationIdentifier=hold, charge=charge, referenceCode=f"held-{version}")
        self.assertEqual(self.balance(address), "90.00")
        # An amount beside the code wins.
        self.clients["v3_1"].service.chargeAmount(endUserIdentifier=address, referenceCode="song-9",
                                                  charge={**charge, "amount": Decimal("1"), "currency": "EUR"})
        self.assertEqual(self.balance(address), "89.00")

    def test_faults_arrive_as_the_wsdl_declares_them(self):
        cases = [("tel:+15550031", Decimal(1000), "SVC0270"),
                 ("tel:+15550031", Decimal(0), "SVC0007"),
                 ("tel:+15550031", Decimal("0.001"), "SVC0007")]
        for version, client in self.clients.items():
            for address, amount, message_id in cases:
                fault = self.fault(client, address, amount, f"{version}-{amount}")
                self.assertIn(message_id, fault.message)
                detail = fault.detail.find(".//messageId")
                self.assertIsNotNone(detail)
                self.assertEqual(detail.text, message_id)
        self.assertEqual(self.balance("tel:+15550031"), "100.00")

    def test_a_reference_with_another_amount_is_refused(self):
        client = self.clients["v2_1"]
        self.charge(client, "tel:+15550032", Decimal(1), "R")
        fault = self.fault(client, "tel:+15550032", Decimal(2), "R")
        self.assertIn("SVC0002", fault.message)
        self.assertEqual(self.balance("tel:+15550032"), "99.00")

    def test_strangers_are_refused(self):
        wrong = self.client("v2_1", password="wrong")
        with self.assertRaises((zeep.exceptions.TransportError, zeep.exceptions.Fault)):
            self.charge(wrong, "tel:+15550033", Decimal(1), "S")
        fault = self.fault(self.client("v2_1", "alice", "alice"), "tel:+15550033", Decimal(1), "S")
        self.assertIn("POL0001", fault.message)
        self.assertEqual(self.balance("tel:+15550033"), "100.00")

    def test_text_arrives_as_it_was_sent(self):
        text = "Ärger & <Spaß> \U0001F3B5 'quotes' \"too\""
        client = self.clients["v3_1"]
        client.service.chargeAmount(endUserIdentifier="tel:+15550034", referenceCode=text,
                                    charge={"description": text, "currency": "EUR", "amount": Decimal(1)})
        self.assertEqual(self.rows("select reference_code, description from journal where address = 'tel:+15550034' "
                                   "and kind = 'charge'"), [f"{text}|{text}"])


if __name__ == "__main__":
    unittest.main()
