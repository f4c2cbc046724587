#!/usr/bin/python3
"""Limits of applications at their edges, with many clients at once, over two nodes of one database.

    limits.py LEDGERLINE
"""
import datetime
import os
import shutil
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from requests import Session

from nodes import charge_parts, command, soap, two_nodes
from server import run

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
OVER = "over-limit"


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-limits-")
        os.chmod(cls.folder, 0o755)
        cls.data_dir = os.path.join(cls.folder, "var")
        cls.servers, cls.urls = two_nodes(LEDGERLINE, cls.folder, dict(os.environ))
        cls.password_file = os.path.join(cls.folder, "password")
        with open(cls.password_file, "w", encoding="utf-8") as file:
            file.write("secret\n")
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        for server in reversed(cls.servers):
            server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def command(cls, *arguments):
        return command(LEDGERLINE, cls.data_dir, *arguments)

    def setUp(self):
        """An application of its own for each test, known to both nodes."""
        Limits.count += 1
        self.name = f"shop{self.count}"
        self.command("user", "add", self.name, "--password-file", self.password_file)
        for permission in ("payment.charge", "payment.reserve", "payment.refund"):
            self.command("user", "grant", self.name, permission, "example.com")
        self.address = f"tel:+155500{self.count:02}"
        self.references = 0
        for url in self.urls:
            self.assertEqual(self.charge("0.01", url=url), "")

    def limit(self, *arguments):
        """Sets a limit and waits until both nodes know it: the database tells them at once, and they ask again."""
        self.command("user", "limit", self.name, *arguments)
        time.sleep(0.2)

    def ask(self, operation, parts, url=None, **more):
        """What the answer says: nothing, or the fault's variable, or its id."""
        status, _, text = soap(url or self.urls[0], operation, parts, "-u", f"{self.name}:secret", **more)
        if status == 200:
            return ""
        if OVER in text:
            self.assertIn("POL0001", text)
            return OVER
        return text[text.index("<messageId>") + 11:text.index("</messageId>")]

    def charge(self, amount, reference=None, url=None, address=None, balance_type=""):
        self.references += 1
        reference = reference or f"{self.name}-{self.references}"
        return self.ask("chargeAmount", charge_parts(address or self.address, amount, reference, balance_type), url)

    def test_amount_per_request_is_exact(self):
        self.limit("amount-per-request", "5.00", "EUR")
        self.assertEqual(self.charge("5.00"), "")
        self.assertEqual(self.charge("5.01", url=self.urls[1]), OVER)
        self.assertEqual(self.charge("5.000"), "")
        self.limit("amount-per-request", "EUR", "--remove")
        self.assertEqual(self.charge("5.01", url=self.urls[1]), "")

    def test_amount_per_day_holds_on_both_nodes_at_once(self):
        self.limit("amount-per-day", "10.00", "EUR")
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda i: self.charge("1.00", f"{self.name}-c{i}", self.urls[i % 2]), range(24)))
        self.assertEqual(sorted(answers), [""] * 10 + [OVER] * 14)
        # The first answer again, not counted again, though nothing is left.
        first = answers.index("")
        self.assertEqual(self.charge("1.00", f"{self.name}-c{first}", self.urls[0]), "")
        self.assertEqual(self.charge("0.01"), OVER)
        # Another subscriber's money counts, too; what is given back the same day does not.
        self.assertEqual(self.charge("0.01", address="tel:+15550090"), OVER)
        refund = charge_parts(self.address, "0.50", f"{self.name}-c{first}")
        self.assertEqual(self.ask("refundAmount", refund, self.urls[1]), "")
        self.assertEqual(self.charge("0.51"), OVER)
        self.assertEqual(self.charge("0.50"), "")
        # What is refused for another reason is not counted.
        self.limit("amount-per-day", "1000.00", "EUR")
        self.assertEqual(self.charge("900.00"), "SVC0270")
        self.assertIn("10.00", self.command("user", "limit", self.name))

    def test_reservations_count_when_they_are_made(self):
        self.limit("amount-per-day", "10.00", "EUR")
        reserve = "<l:endUserIdentifier>{}</l:endUserIdentifier><l:charge><description>d</description>" \
                  "<currency>EUR</currency><amount>{}</amount></l:charge>"

        def reserved(amount):
            _, _, text = soap(self.urls[0], "reserveAmount", reserve.format(self.address, amount), "-u",
                              f"{self.name}:secret", interface="reserve_amount_charging")
            return text[text.index("result>") + 7:text.index("</", text.index("result>"))]
        hold = reserved("8.00")
        self.assertEqual(self.charge("2.01"), OVER)
        capture = f"<l:reservationIdentifier>{hold}</l:reservationIdentifier><l:charge><description>d</description>" \
                  f"<currency>EUR</currency><amount>5.00</amount></l:charge><l:referenceCode>{self.name}-k" \
                  f"</l:referenceCode>"
        self.assertEqual(self.ask("chargeReservation", capture, interface="reserve_amount_charging"), "")
        self.assertEqual(self.charge("2.01"), OVER)
        release = f"<l:reservationIdentifier>{hold}</l:reservationIdentifier>"
        self.assertEqual(self.ask("releaseReservation", release, interface="reserve_amount_charging"), "")
        self.assertEqual(self.charge("5.01"), OVER)
        self.assertEqual(self.charge("5.00"), "")

    def test_number_and_subscriber_limits(self):
        self.limit("subscriber-amount-per-day", "3.00", "EUR")
        self.limit("subscriber-amount-per-month", "5.00", "EUR")
        self.assertEqual(self.charge("3.00"), "")
        self.assertEqual(self.charge("0.01", url=self.urls[1]), OVER)
        self.assertEqual(self.charge("3.00", address="tel:+15550091"), "")
        self.limit("subscriber-amount-per-day", "100.00", "EUR")
        self.assertEqual(self.charge("2.01", url=self.urls[1]), OVER)
        self.assertEqual(self.charge("2.00"), "")
        self.limit("requests-per-day", "3")
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda i: self.charge("0.01", url=self.urls[i % 2], address=f"tel:+155500{60 + i}"),
                                    range(6)))
        self.assertEqual(sorted(answers), [""] * 3 + [OVER] * 3)

    def test_splits_count_as_a_whole_and_for_each(self):
        def split(amount, reference):
            parts = "".join(f"<l:splitInfo><endUserIdentifier>{address}</endUserIdentifier><percent>50</percent>"
                            "</l:splitInfo>" for address in (self.address, "tel:+15550092"))
            return self.ask("chargeSplitAmount",
                            f"{parts}<l:charge><description>d</description><currency>EUR</currency>"
                            f"<amount>{amount}</amount></l:charge><l:referenceCode>{reference}</l:referenceCode>",
                            version="v3_1")
        self.limit("amount-per-day", "10.00", "EUR")
        self.limit("subscriber-amount-per-day", "3.00", "EUR")
        self.assertEqual(split("6.02", "too-much-for-one"), OVER)
        self.assertEqual(split("6.00", "right"), "")
        self.assertEqual(split("6.00", "right"), "")
        self.assertEqual(self.charge("0.01"), OVER)

    def test_balance_types_prefixes_methods(self):
        self.limit("balance-type", "main")
        self.assertEqual(self.charge("0.01", balance_type="bonus"), OVER)
        self.assertEqual(self.charge("0.01"), "")
        _, errors, status = run([LEDGERLINE, "user", "limit", self.name, "balance-type", "bonsu"], cwd=self.folder)
        self.assertIn("no domain has a balance type 'bonsu'", errors)
        self.assertEqual(status, 2)
        self.limit("balance-type", "bonus")
        self.assertEqual(self.charge("0.01", balance_type="bonus"), "")
        self.limit("address-prefix", self.address)
        self.assertEqual(self.charge("0.01", url=self.urls[1]), "")
        for stranger in ("tel:+15550093", "tel:+19990000"):
            self.assertEqual(self.charge("0.01", address=stranger), OVER)
        self.limit("method", "AmountCharging.refundAmount")
        self.assertEqual(self.charge("0.01"), OVER)
        self.limit("method", "AmountCharging.chargeAmount")
        self.assertEqual(self.charge("0.01", url=self.urls[1]), "")

    def test_hours(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        today, tomorrow = (f"{now + datetime.timedelta(days=d):%a}".lower() for d in (0, 1))
        later = now + datetime.timedelta(days=3)
        self.limit("hours", f"{later:%a} 00:00-24:00".lower())
        self.assertEqual(self.charge("0.01"), OVER)
        self.limit("hours", f"{today}-{tomorrow} 00:00-24:00")
        self.assertEqual(self.charge("0.01", url=self.urls[1]), "")

    def test_requests_per_second_over_both_nodes(self):
        self.limit("requests-per-second", "2")
        started = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda i: self.charge("0.01", f"{self.name}-s{i}", self.urls[i % 2]), range(16)))
        seconds = int(time.monotonic() - started) + 2
        self.assertIn(OVER, answers)
        self.assertTrue(2 <= answers.count("") <= 2 * seconds, (answers, seconds))
        time.sleep(1.1)
        self.assertEqual(self.charge("0.01"), "")

    def test_what_became_of_a_request_counts_as_one(self):
        def status(url):
            with Session() as session:
                session.trust_env = False
                return session.get(f"{url}requests/{self.name}-1", params={"endUserIdentifier": self.address},
                                   auth=(self.name, "secret"), timeout=60).status_code
        self.assertEqual(status(self.urls[0]), 200)
        self.limit("requests-per-second", "2")
        with ThreadPoolExecutor(8) as pool:
            started = time.monotonic()
            answers = list(pool.map(lambda i: status(self.urls[i % 2]), range(16)))
        seconds = int(time.monotonic() - started) + 2
        self.assertEqual(set(answers), {200, 429})
        self.assertLessEqual(answers.count(200), 2 * seconds)
        self.limit("requests-per-second", "--remove")
        yesterday = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%a").lower()
        self.limit("hours", f"{yesterday} 00:00-00:01")
        self.assertEqual(status(self.urls[1]), 429)

    def test_wrong_commands_and_the_trail(self):
        for wrong in (("amount-per-day", "1.001", "EUR"), ("amount-per-day", "1", "XYZ"), ("amount-per-day", "1"),
                      ("hours", "never"), ("method", "Nothing.at"), ("speed", "1"), ("hours", "mon 00:00-01:00", "--remove")):
            _, errors, status = run([LEDGERLINE, "user", "limit", self.name, *wrong, "--data-dir", self.data_dir])
            self.assertNotEqual(status, 0, wrong)
            self.assertTrue(errors, wrong)
        self.limit("amount-per-day", "1.00", "EUR")
        self.limit("hours", "mon-sun 00:00-24:00")
        trail = run([LEDGERLINE, "psql", "--data-dir", self.data_dir, "--", "-Atc",
                     f"select details, actor from finance.trail where subject = '{self.name}@example.com' "
                     "and act = 'user.limit' order by event_no"])[0].split("\n")
        self.assertEqual(len(trail), 3, trail)
        self.assertIn("EUR amount_per_day 100|os:", trail[0])
        self.assertIn("hours", trail[1])


if __name__ == "__main__":
    unittest.main()
