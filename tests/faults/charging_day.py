#!/usr/bin/python3
"""A day of charging: several applications at once, a server that is killed under them, connections that are cut. What
the books say in the end must be what the clients' own logs add up to.

    charging_day.py LEDGERLINE        LEDGER_SEED=N repeats the requests of a run, CHARGING_DAY_REQUESTS=N their number

Every client sends each request again until it is answered, under the same key. It logs what it was told; the recount
knows nothing else, and rates volumes by itself.
"""
import base64
import http.client
import json
import os
import random
import re
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest
from collections import Counter, defaultdict
from types import SimpleNamespace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))
from server import Server, run, server_info  # noqa: E402

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
SEED = int(os.environ.get("LEDGER_SEED", random.SystemRandom().randrange(10**9)))
REQUESTS = int(os.environ.get("CHARGING_DAY_REQUESTS", 4000))
KILLS = 3
WORKERS_PER_APPLICATION = 3
APPLICATIONS = ("demo-app", "shop", "video")
ACCOUNTS = [f"tel:+1555{number:04}" for number in range(1, 31)]
START = {"main": 10_000, "bonus": 1_000, "data": 1_000_000_000}
SECONDS_TO_ANSWER = 60
SPACES = {"AmountCharging": "payment/amount_charging", "VolumeCharging": "payment/volume_charging",
          "ReserveAmountCharging": "payment/reserve_amount_charging",
          "ReserveVolumeCharging": "payment/reserve_volume_charging", "AccountManagement": "account_management"}
GRANTS = ("payment.charge", "payment.refund", "payment.refund_unlinked", "payment.reserve", "account.update",
          "account.voucher")
VOUCHER_CENTS = 250


def rate(seconds):
    """The tariff of the day: 0.10 EUR for each minute that was begun."""
    return 10 * -(-seconds // 60)


def shares_of(total, percents):
    """Floored, and what is left goes out one by one."""
    shares = [total * percent // 100 for percent in percents]
    for i in range(total - sum(shares)):
        shares[i] += 1
    return shares


def euros(cents):
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def shown(balance, minor):
    return str(minor) if balance == "data" else euros(minor)


class Worker(threading.Thread):
    """One client of one application, with its log: what was accepted, and what was refused as it should be."""

    def __init__(self, day, application, number):
        super().__init__()
        self.day, self.application, self.name = day, application, f"{application}-{number}"
        self.random = random.Random(f"{SEED} {self.name}")
        self.connection, self.sent, self.errors = None, 0, []
        self.rows, self.holds, self.charges, self.shares = [], [], [], []  # the log
        self.refused, self.repeats, self.cuts = Counter(), 0, 0
        credentials = base64.b64encode(f"{application}:{application}".encode()).decode()
        self.headers = {"Content-Type": "text/xml; charset=utf-8", "Authorization": f"Basic {credentials}"}

    def run(self):
        actions = (self.charge, self.charge, self.charge, self.refund, self.refund_without_charge, self.split,
                   self.reserve, self.extend, self.capture, self.capture, self.release, self.charge_volume,
                   self.refund_volume, self.reserve_volume, self.capture_volume, self.take_anothers_hold,
                   self.split_volume, self.refund_share, self.top_up, self.redeem, self.redeem_again)
        try:
            while self.day.take_turn():
                self.random.choice(actions)()
        except Exception as error:  # told by the test, whose thread this is not
            self.errors.append(error)

    # Sending -----------------------------------------------------------------------------------------------------

    def post(self, interface, version, operation, xml, key):
        """The body of the answer and whether it was the first one again; sent until there is one."""
        space = f"http://www.csapi.org/schema/parlayx/{SPACES[interface]}/{version}/local"
        body = ('<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
                f'<o:{operation} xmlns:o="{space}">{xml}</o:{operation}></e:Body></e:Envelope>')
        headers = {**self.headers, "Idempotency-Key": key}
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while time.monotonic() < deadline:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.day.port, timeout=20)
                self.connection.request("POST", "/ParlayX/", body, headers)
                if self.random.random() < 0.02:
                    self.cut()
                    continue
                response = self.connection.getresponse()
                text = response.read().decode()
                if "SVC0001" in text:
                    time.sleep(0.02)  # the server asks to come again
                    continue
                return text, response.headers.get("Idempotency-Replayed") == "true"
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
                time.sleep(0.02)
        raise AssertionError(f"{operation} under {key} was never answered")

    def cut(self):
        """A reset, before the answer was read: nobody knows whether the request was done."""
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.connection = None
        self.cuts += 1

    def ask(self, interface, operation, children, reference=None, may_be=("SVC0270",), version=None):
        """The result of an accepted request, or None of a refused one. Some are asked again, and must not count."""
        version = version or self.random.choice(("v2_0", "v2_1", "v3_1"))
        self.sent += 1
        key = reference or f"{self.name}-key-{self.sent}"
        if reference:
            children = children + f"<o:referenceCode>{reference}</o:referenceCode>"
        if "{much " in children:
            children = re.sub("{much ([^}]+)}", self.much(version), children)
        text, _ = self.post(interface, version, operation, children, key)
        fault = re.search("<faultstring>([A-Z]{3}[0-9]{4})[^<]*</faultstring>", text)
        if fault is None and f"{operation}Response" not in text:
            raise AssertionError(f"{operation}: {text}")
        if fault:
            if not any(expected in fault[0] for expected in may_be):
                raise AssertionError(f"{operation} {children}: {fault[0]}")
            self.refused[fault[1]] += 1
            return None
        if self.random.random() < 0.05:
            again, replayed = self.post(interface, version, operation, children, key)
            if again != text or not replayed:
                raise AssertionError(f"{operation} under {key} again: {text} {again}")
            self.repeats += 1
        result = re.search("<[^>]*result>([^<]+)<", text)
        return result[1] if result else ""

    @staticmethod
    def much(version):
        if version == "v2_0":
            return r"<o:amount>\1</o:amount><o:billingText>the day</o:billingText>"
        return (r"<o:charge><description>the day</description><currency>EUR</currency><amount>\1</amount></o:charge>")

    # What is asked -----------------------------------------------------------------------------------------------

    def user(self, address):
        return f"<o:endUserIdentifier>{address}</o:endUserIdentifier>"

    def reference(self):
        return f"{self.name}-{self.sent + 1}"

    def row(self, reference, kind, address, balance, minor):
        if minor:
            self.rows.append((self.application, reference, kind, address, balance, minor))

    def charge(self):
        address, cents, reference = self.random.choice(ACCOUNTS), self.random.randint(1, 400), self.reference()
        balance = self.random.choice(("main", "main", "bonus"))
        named = "" if balance == "main" else f"<o:balanceType>{balance}</o:balanceType>"
        xml = self.user(address) + "{much " + euros(cents) + "}" + named
        if self.ask("AmountCharging", "chargeAmount", xml, reference) is not None:
            self.row(reference, "charge", address, balance, -cents)
            self.charges.append(SimpleNamespace(reference=reference, address=address, balance=balance, left=cents,
                                                volume=None))

    def refund(self):
        found = [charge for charge in self.charges if charge.volume is None]
        if not found:
            return
        charge, reference = self.random.choice(found), self.reference()
        cents = self.random.randint(1, charge.left + 1)  # at times more than is left
        xml = (self.user(charge.address) + "{much " + euros(cents) + "}"
               + f"<o:originalReferenceCode>{charge.reference}</o:originalReferenceCode>")
        accepted = self.ask("AmountCharging", "refundAmount", xml, reference) is not None
        if accepted != (cents <= charge.left):
            raise AssertionError(f"refund of {cents} with {charge.left} left: {accepted}")
        if accepted:
            charge.left -= cents
            self.row(reference, "refund", charge.address, charge.balance, cents)

    def refund_without_charge(self):
        address, cents, reference = self.random.choice(ACCOUNTS), self.random.randint(1, 300), self.reference()
        xml = self.user(address) + "{much " + euros(cents) + "}"
        if self.ask("AmountCharging", "refundAmount", xml, reference) is not None:
            self.row(reference, "refund", address, "main", cents)

    def parts(self):
        """Who shares in a split, by which percents, and how that is said."""
        addresses, first = self.random.sample(ACCOUNTS, 3), self.random.randint(1, 98)
        percents = [first, self.random.randint(1, 99 - first)]
        percents.append(100 - sum(percents))
        xml = "".join(f"<o:splitInfo><endUserIdentifier>{address}</endUserIdentifier><percent>{percent}</percent>"
                      "</o:splitInfo>" for address, percent in zip(addresses, percents))
        return addresses, percents, xml

    def split(self):
        (addresses, percents, xml), reference = self.parts(), self.reference()
        cents = self.random.randint(100, 400)
        if self.ask("AmountCharging", "chargeSplitAmount", xml + "{much " + euros(cents) + "}", reference,
                    version="v3_1") is not None:
            for address, share in zip(addresses, shares_of(cents, percents)):
                self.row(reference, "split", address, "main", -share)
                self.shares.append(SimpleNamespace(reference=reference, address=address, balance="main", left=share,
                                                   volume=None))

    def split_volume(self):
        (addresses, percents, xml), reference = self.parts(), self.reference()
        balance, volume = self.random.choice(("main", "data")), self.random.randint(600, 1500)
        if self.ask("VolumeCharging", "chargeSplitVolume", xml + self.volume(volume, balance), reference,
                    version="v3_1") is not None:
            costs = shares_of(rate(volume) if balance == "main" else volume, percents)
            for address, cost, part in zip(addresses, costs, shares_of(volume, percents)):
                self.row(reference, "split", address, balance, -cost)
                self.shares.append(SimpleNamespace(reference=reference, address=address, balance=balance, left=part,
                                                   volume=part, cost=cost))

    def refund_share(self):
        found = [share for share in self.shares if share.left > 0]
        if not found:
            return
        share, reference = self.random.choice(found), self.reference()
        much = self.random.randint(1, share.left + 1)  # at times more than is left
        xml = self.user(share.address) + f"<o:originalReferenceCode>{share.reference}</o:originalReferenceCode>"
        if share.volume is None:
            taken = self.ask("AmountCharging", "refundAmount", xml + "{much " + euros(much) + "}", reference)
            back = much
        else:
            taken = self.ask("VolumeCharging", "refundVolume", xml + self.volume(much, "main"), reference)
            back = (share.cost * share.left // share.volume
                    - share.cost * (share.left - much) // share.volume)
        if (taken is not None) != (much <= share.left):
            raise AssertionError(f"refund of {much} of {share}: {taken}")
        if taken is not None:
            share.left -= much
            self.row(reference, "refund", share.address, share.balance, back)

    def top_up(self):
        address, cents, reference = self.random.choice(ACCOUNTS), self.random.randint(1, 300), self.reference()
        xml = self.user(address) + f"<o:balanceType>bonus</o:balanceType><o:amount>{euros(cents)}</o:amount>"
        self.ask("AccountManagement", "balanceUpdate", xml, reference, (), self.random.choice(("v2_2", "v3_0", "v3_1")))
        self.row(reference, "credit", address, "bonus", cents)

    def redeem(self):
        if not self.day.vouchers:
            return
        address, code, reference = self.random.choice(ACCOUNTS), self.day.vouchers.pop(), self.reference()
        self.ask("AccountManagement", "voucherUpdate", self.user(address) + self.voucher(code), reference, (),
                 self.random.choice(("v2_0", "v2_1", "v2_2", "v3_1")))
        self.row(reference, "voucher", address, "main", VOUCHER_CENTS)
        self.day.redeemed.append(code)

    def redeem_again(self):
        if not self.day.redeemed:
            return
        xml = self.user(self.random.choice(ACCOUNTS)) + self.voucher(self.random.choice(self.day.redeemed))
        if self.ask("AccountManagement", "voucherUpdate", xml, self.reference(), ("SVC0251",), "v3_1") is not None:
            raise AssertionError(f"a voucher was redeemed twice: {xml}")

    @staticmethod
    def voucher(code):
        return f"<o:voucherIdentifier>{code}</o:voucherIdentifier>"

    def reserve(self):
        address, cents = self.random.choice(ACCOUNTS), self.random.randint(1, 500)
        hold = self.ask("ReserveAmountCharging", "reserveAmount", self.user(address) + "{much " + euros(cents) + "}")
        if hold is not None:
            self.holds.append(SimpleNamespace(id=hold, address=address, balance="main", amount=cents, captured=0,
                                              state="open", volume=None, tariff=True))

    def open_hold(self, of_volume):
        found = [hold for hold in self.holds if hold.state == "open" and (hold.volume is not None) == of_volume]
        return self.random.choice(found) if found else None

    def extend(self):
        hold = self.open_hold(of_volume=False)
        if hold is None:
            return
        cents = self.random.choice((-1, 1)) * self.random.randint(1, 300)
        give_back_of_too_much = -cents > hold.amount - hold.captured
        xml = f"<o:reservationIdentifier>{hold.id}</o:reservationIdentifier>" + "{much " + euros(cents) + "}"
        may_be = ("SVC0007",) if give_back_of_too_much else ("SVC0270",)
        if self.ask("ReserveAmountCharging", "reserveAdditionalAmount", xml, may_be=may_be) is not None:
            hold.amount += cents

    def capture(self):
        hold, reference = self.open_hold(of_volume=False), self.reference()
        if hold is None:
            return
        cents = self.random.randint(1, 200)
        xml = f"<o:reservationIdentifier>{hold.id}</o:reservationIdentifier>" + "{much " + euros(cents) + "}"
        accepted = self.ask("ReserveAmountCharging", "chargeReservation", xml, reference) is not None
        if accepted != (cents <= hold.amount - hold.captured):
            raise AssertionError(f"capture of {cents} against {hold}: {accepted}")
        if accepted:
            hold.captured += cents
            self.row(reference, "capture", hold.address, "main", -cents)

    def release(self):
        of_volume = self.random.random() < 0.3
        hold = self.open_hold(of_volume)
        if hold is None:
            return
        interface = "ReserveVolumeCharging" if of_volume else "ReserveAmountCharging"
        self.ask(interface, "releaseReservation", f"<o:reservationIdentifier>{hold.id}</o:reservationIdentifier>",
                 may_be=())
        hold.state = "released"

    def volume(self, volume, balance):
        named = f"<o:balanceType>{balance}</o:balanceType>" if balance == "data" else ""
        return f"<o:volume>{volume}</o:volume><o:billingText>the day</o:billingText>{named}"

    def charge_volume(self):
        address, reference = self.random.choice(ACCOUNTS), self.reference()
        balance, volume = self.random.choice((("main", 600), ("data", 100_000)))
        volume = self.random.randint(1, volume)
        if self.ask("VolumeCharging", "chargeVolume", self.user(address) + self.volume(volume, balance),
                    reference) is not None:
            self.row(reference, "charge", address, balance, -(rate(volume) if balance == "main" else volume))
            self.charges.append(SimpleNamespace(reference=reference, address=address, balance=balance, left=volume,
                                                volume=volume))

    def refund_volume(self):
        found = [charge for charge in self.charges if charge.volume is not None and charge.left > 0]
        if not found:
            return
        charge, reference = self.random.choice(found), self.reference()
        volume = self.random.randint(1, charge.left)
        xml = (self.user(charge.address) + self.volume(volume, "main")
               + f"<o:originalReferenceCode>{charge.reference}</o:originalReferenceCode>")
        if self.ask("VolumeCharging", "refundVolume", xml, reference, may_be=()) is not None:
            back = rate(charge.left) - rate(charge.left - volume) if charge.balance == "main" else volume
            charge.left -= volume
            self.row(reference, "refund", charge.address, charge.balance, back)

    def reserve_volume(self):
        address, volume = self.random.choice(ACCOUNTS), self.random.randint(1, 900)
        balance = self.random.choice(("main", "data"))
        hold = self.ask("ReserveVolumeCharging", "reserveVolume", self.user(address) + self.volume(volume, balance))
        if hold is not None:
            self.holds.append(SimpleNamespace(id=hold, address=address, balance=balance, amount=0, captured=0,
                                              state="open", volume=volume, used=0, tariff=balance == "main"))
            self.revalue(self.holds[-1])

    @staticmethod
    def revalue(hold):
        worth = rate if hold.tariff else (lambda volume: volume)
        hold.amount, hold.captured = worth(hold.volume), worth(hold.used)

    def capture_volume(self):
        hold, reference = self.open_hold(of_volume=True), self.reference()
        if hold is None:
            return
        volume = self.random.randint(1, 300)
        xml = f"<o:reservationIdentifier>{hold.id}</o:reservationIdentifier>" + self.volume(volume, "main")
        accepted = self.ask("ReserveVolumeCharging", "chargeReservation", xml, reference) is not None
        if accepted != (volume <= hold.volume - hold.used):
            raise AssertionError(f"capture of {volume} against {hold}: {accepted}")
        if accepted:
            before = hold.captured
            hold.used += volume
            self.revalue(hold)
            self.row(reference, "capture", hold.address, hold.balance, before - hold.captured)

    def take_anothers_hold(self):
        others = [w for w in self.day.workers if w.application != self.application and w.holds]
        if not others:
            return
        hold = self.random.choice(self.random.choice(others).holds)
        xml = f"<o:reservationIdentifier>{hold.id}</o:reservationIdentifier>"
        part = ("SVC0002: Invalid input value for message part reservationIdentifier",)
        if hold.volume is None:
            taken = self.ask("ReserveAmountCharging", "chargeReservation", xml + "{much 0.01}", self.reference(), part)
        else:
            taken = self.ask("ReserveVolumeCharging", "releaseReservation", xml, may_be=part)
        if taken is not None:
            raise AssertionError(f"{self.application} used {hold}")


class Day:
    """The server, and how much of the day is left."""

    def __init__(self, folder):
        self.folder, self.port, self.workers = folder, 0, []
        self.left, self.changed = REQUESTS, threading.Condition()
        self.vouchers, self.redeemed = [], []  # of all workers
        self.server = None
        self.start()
        self.port = int(server_info(os.path.join(folder, "var"))["url"].rpartition(":")[2])

    def start(self):
        environment = {**os.environ, "LEDGERLINE_HTTP_ACCESS_LOG": "false", "LEDGERLINE_LOG_LEVEL": "error",
                       "LEDGERLINE_VOUCHER_TRIES": "1000"}
        self.server = Server([LEDGERLINE, "serve", "--demo", "--listen", f"127.0.0.1:{self.port}",
                              "--sip-listen", "127.0.0.1:0"], self.folder, environment)

    def command(self, *arguments, text=None):
        output, errors, status = run([LEDGERLINE, *arguments], cwd=self.folder)
        assert status == 0, f"{arguments}: {errors}"
        return output

    def take_turn(self):
        with self.changed:
            self.left -= 1
            self.changed.notify_all()
            return self.left >= 0

    def wait_until_left(self, left):
        with self.changed:
            self.changed.wait_for(lambda: self.left <= left or not any(w.is_alive() for w in self.workers), 300)

    def finance(self, query):
        lines = self.command("psql", "--", "-At", "-F", "|", "-c", query).splitlines()
        return [tuple(line.split("|")) for line in lines]


class ChargingDay(unittest.TestCase):
    def setUp(self):
        print(f"LEDGER_SEED={SEED}", flush=True)
        self.folder = tempfile.mkdtemp(prefix="ledgerline-day-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.day = Day(self.folder)
        self.addCleanup(lambda: self.day.server.kill() if self.day.server.process.poll() is None else None)

    def add_applications(self):
        for name in APPLICATIONS[1:]:
            secret = os.path.join(self.folder, name)
            with open(secret, "w", encoding="utf-8") as file:
                file.write(name)
            self.day.command("user", "add", name, "--password-file", secret)
            for grant in GRANTS:
                self.day.command("user", "grant", name, grant, "example.com")

    def test_the_books_are_what_the_clients_were_told(self):
        day = self.day
        self.add_applications()
        day.command("tariff", "add", "calls", "--unit", "seconds", "--currency", "EUR", "--price", "0.10", "--per", "60",
                    "--step", "60")
        made = json.loads(day.command("voucher", "create", "day", euros(VOUCHER_CENTS), "EUR", "--count", "150", "--domain",
                                      "example.com", "--balance", "main", "--json"))
        day.vouchers = [voucher["code"] for voucher in made["vouchers"]]
        day.workers = [Worker(day, application, number) for application in APPLICATIONS
                       for number in range(WORKERS_PER_APPLICATION)]
        for worker in day.workers:
            worker.start()
        for kill in range(1, KILLS + 1):
            day.wait_until_left(REQUESTS * (KILLS + 1 - kill) // (KILLS + 1))
            day.server.kill()
            day.start()
        for worker in day.workers:
            worker.join()
        self.assertEqual([error for worker in day.workers for error in worker.errors], [])
        self.recount()
        self.assertEqual(sorted(day.finance("select application, reference_code, address from vouchers where state = 'redeemed'")),
                         sorted(row[:2] + row[3:4] for worker in day.workers for row in worker.rows if row[2] == "voucher"))
        self.assertEqual(day.finance("select current_user, count(*) from trial_balance where total <> 0"),
                         [("ledgerline_finance", "0")])
        day.command("audit", "verify")
        self.assertEqual(day.server.stop(), 0, day.server.output)

    def recount(self):
        day = self.day
        rows = [row for worker in day.workers for row in worker.rows]
        holds = [(worker.application, hold) for worker in day.workers for hold in worker.holds]
        self.assertEqual(Counter(day.finance(
            "select application, reference_code, kind, address, balance_type, amount from journal "
            "where application <> 'demo'")), Counter((*row[:5], shown(row[4], row[5])) for row in rows))
        self.assertEqual(sorted(day.finance("select lpad(to_hex(shard::integer), 4, '0') || replace(hold_id::text, '-', ''), "
                                            "application, address, amount, captured, state from holds")),
                         sorted((hold.id, application, hold.address, shown(hold.balance, hold.amount),
                                 shown(hold.balance, hold.captured), hold.state) for application, hold in holds))
        posted, held = defaultdict(int), defaultdict(int)
        for _, _, _, address, balance, minor in rows:
            posted[address, balance] += minor
        for _, hold in holds:
            if hold.state == "open":
                held[hold.address, hold.balance] += hold.amount - hold.captured
        expected = [(address, balance, shown(balance, START[balance] + posted[address, balance]),
                     shown(balance, held[address, balance])) for address in ACCOUNTS for balance in START]
        self.assertEqual(sorted(row for row in day.finance("select address, balance_type, posted, held from balances")
                                if row[0] in ACCOUNTS), sorted(expected))
        refused = sum((worker.refused for worker in day.workers), Counter())
        print(f"{sum(w.sent for w in day.workers)} requests, {len(rows)} journal rows, {len(holds)} holds, "
              f"{sum(w.repeats for w in day.workers)} repeats, {sum(w.cuts for w in day.workers)} cut connections, "
              f"{KILLS} kills, refused: {dict(refused)}")


if __name__ == "__main__":
    unittest.main()
