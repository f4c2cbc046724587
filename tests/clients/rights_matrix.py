#!/usr/bin/python3
"""Who may do what, over HTTP: every operation that the server publishes, asked by every kind of user with and without
grants, about addresses near and far, against the tables of `ledgerline user rights`.

    rights_matrix.py LEDGERLINE

Requests are the published examples: an operation that is added to a service is asked by itself.
"""
import os
import re
import sys
import unittest
from collections import namedtuple

import requests

from demo_case import DemoCase
from server import sql

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
KINDS = ("application", "subscriber", "administrator", "finance", "operator")
OWN, NEIGHBOUR, ABROAD, NOBODY = "tel:+15550001", "tel:+15550002", "tel:+18885550001", "tel:+19995550001"
HOME = {OWN: "example.com", NEIGHBOUR: "example.com", ABROAD: "other.org"}
TOLD = ("CallDirection", "CallNotification")  # published for the applications that serve them
# What an operation is about instead of an address.
OBJECT = re.compile(r"<m:(correlator|(?!voucher)\w+Identifier)>example<")
OPTIONAL = re.compile(r"<!-- optional: (correlator|addresses) \([^>]*>")
NOT_ALLOWED = "POL0001: A policy error occurred. Error code is not-allowed"
NOT_AVAILABLE = "POL0001: A policy error occurred. Error code is not-available"
# A user of example.com. own: a subscriber's address; grants: permissions, in these domains.
User = namedtuple("User", "name kind own grants domains")


def table(title, page):
    """Rows of the table under a heading of the page, as dicts."""
    lines = [line for line in page.split(f"## {title}\n")[1].split("\n## ")[0].splitlines() if line.startswith("|")]
    cells = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row)) for row in cells[2:]]


def about_an_object(text):
    """A sample that names an object, or nothing."""
    text = OPTIONAL.sub(lambda part: "<m:correlator>example</m:correlator>" if part[1] == "correlator" else "", text)
    return text if OBJECT.search(text) else None


def about_an_address(text):
    """A sample that names an address, or nothing."""
    text = OPTIONAL.sub(lambda part: f"<m:addresses>{OWN}</m:addresses>" if part[1] == "addresses" else "", text)
    return text if OWN in text and not OBJECT.search(text) else None


class RightsMatrix(DemoCase):
    program = LEDGERLINE
    settings = {"LOG_LEVEL": "warning"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        page = cls.command("user", "rights")
        cls.permissions = {row["permission"]: row for row in table("Permissions", page)}
        cls.operations = {row["operation"]: row for row in table("Operations", page)}
        cls.command("account", "set", OWN, "rules_by_user", "on")
        cls.command("account", "domain", "other.org")
        cls.command("account", "open", ABROAD, "--domain", "other.org")
        secret = os.path.join(cls.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("secret")
        cls.command("user", "add", "model", "--password-file", secret)
        cls.users = []
        for kind in KINDS:
            for domains in ((), ("example.com",), ("other.org",), ("*",)):
                for own in (OWN, NEIGHBOUR) if kind == "subscriber" else (None,):
                    cls.add_user(kind, own, domains, cls.permissions)
        for permission in cls.permissions:
            cls.add_user("application", None, ("example.com",), (permission,))
        cls.session = requests.Session()
        cls.session.trust_env = False
        index = cls.session.get(f"{cls.url}/ParlayX/").text
        cls.samples = {}  # by interface and operation, one of each version
        for version, interface, operation in re.findall(r"/ParlayX/(\w+)/(\w+)\?sample=(\w+)\"", index):
            if interface not in TOLD:
                text = cls.session.get(f"{cls.url}/ParlayX/{version}/{interface}?sample={operation}").text
                cls.samples.setdefault(f"{interface}.{operation}", {})[version] = text

    @classmethod
    def tearDownClass(cls):
        cls.session.close()
        super().tearDownClass()

    @classmethod
    def add_user(cls, kind, own, domains, permissions):
        """With the model's password. Grants that its kind can't have are left out. Not by the command, which takes its
        time over each."""
        name = f"user{len(cls.users)}"
        granted = {permission for permission in permissions
                   if domains and cls.permissions[permission][kind] in ("granted", "own domain")}
        pairs = [(domain, permission) for permission in granted for domain in domains]
        made = sql(cls.data_dir, f"""
            select auth.create_principal('example.com', '{name}', true, '{kind}',
                (select password_hash from auth.find_login('example.com', 'model', null)),
                array[{f"'{own}'" if own else ""}]::text[], array{[pair[0] for pair in pairs]}::text[],
                array{[pair[1] for pair in pairs]}::text[])""")
        assert made == ["t"], (name, made)
        cls.users.append(User(name, kind, own, granted, domains))

    def allowed(self, user, permission, address):
        """What the table says of a user, a permission and an address."""
        if permission == "call.make" and user.kind == "subscriber":
            return HOME[address] == "example.com"  # on own behalf, between numbers of the own domain
        granted = permission in user.grants and (user.domains == ("*",) or
                                                 HOME.get(address, user.domains[0]) in user.domains)
        reach = {"never": False, "everywhere": True, "granted": granted,
                 "own domain": granted or HOME.get(address, "example.com") == "example.com",
                 "own addresses": address == user.own,
                 "own addresses, with rules_by_user": address == user.own == OWN}
        return reach[self.permissions[permission][user.kind]]

    def has_some(self, user, permission):
        """Whether there is any address at all."""
        return any(self.allowed(user, permission, address) for address in HOME)

    def ask(self, login, text):
        """The fault's string, or nothing."""
        password = "secret" if login.startswith("user") else login
        answer = self.session.post(f"{self.url}/ParlayX/", data=text.encode(), auth=(login, password),
                                   headers={"Content-Type": "text/xml; charset=utf-8"})
        self.assertIn(answer.status_code, (200, 500), answer.text)
        found = re.search(r"<faultstring[^>]*>([^<]*)</faultstring>", answer.text)
        self.assertEqual(found is None, answer.status_code == 200, answer.text)
        return found[1] if found else None

    def result(self, login, text):
        """What a request that must be done returns."""
        answer = self.session.post(f"{self.url}/ParlayX/", data=text.encode(), auth=(login, login))
        self.assertEqual(answer.status_code, 200, answer.text)
        return re.search(r"result>([^<]+)<", answer.text)[1] if "result>" in answer.text else None

    def test_every_published_operation_is_in_the_table(self):
        self.assertEqual(set(self.samples), set(self.operations))
        for operation, row in self.operations.items():
            self.assertEqual({kind: row[kind] for kind in KINDS},
                             {kind: self.permissions[row["permission"]][kind] for kind in KINDS}, operation)

    def test_operations_on_addresses(self):
        """Where the table says no there is one answer, whatever the address; elsewhere there is any other."""
        asked, asked_of, number = {True: 0, False: 0}, set(), 0
        for operation, versions in sorted(self.samples.items()):
            permission = self.operations[operation]["permission"]
            text = about_an_address(versions[max(versions)])
            if text is None:
                continue
            if "refund" in operation:  # one without a charge needs a right of its own
                text = re.sub(r"(</m:refund)", r"<m:originalReferenceCode>none</m:originalReferenceCode>\1", text)
            for user in self.users:
                for address in (OWN, NEIGHBOUR, ABROAD, NOBODY):
                    if address == NOBODY and permission == "call.make":
                        continue  # numbers that nobody here has are a matter of [call] destinations
                    number += 1
                    said = self.ask(user.name, text.replace(NEIGHBOUR, OWN).replace(OWN, address).replace(
                        "example-1", f"matrix-{number}"))
                    expected = self.allowed(user, permission, address)
                    self.assertEqual(said != NOT_ALLOWED, expected, (operation, user, address, said))
                    asked[expected] += 1
                asked_of.add(operation)
        self.assertGreater(min(asked.values()), 200, asked)
        # Every one is asked about an address, or about an object below.
        self.assertEqual(set(self.operations) - asked_of,
                         {operation for operation, versions in self.samples.items()
                          if about_an_object(versions[max(versions)])} - asked_of)

    def test_every_version_asks_the_same_rights(self):
        nobody = self.users[0]
        everybody = next(user for user in self.users if user.kind == "application" and "*" in user.domains)
        for operation, versions in sorted(self.samples.items()):
            for version, text in sorted(versions.items()):
                text = about_an_address(text)
                if text is not None:
                    self.assertEqual(self.ask(nobody.name, text), NOT_ALLOWED, (operation, version))
                    said = self.ask(everybody.name, text.replace("example-1", f"{operation}-{version}"))
                    self.assertNotEqual(said, NOT_ALLOWED, (operation, version))

    def test_refunds_without_a_charge_have_a_right_of_their_own(self):
        text = self.samples["AmountCharging.refundAmount"]["v2_1"]
        for number, user in enumerate(self.users):
            said = self.ask(user.name, text.replace("example-1", f"unlinked-{number}"))
            both = all(self.allowed(user, right, OWN) for right in ("payment.refund", "payment.refund_unlinked"))
            self.assertEqual(said, None if both else NOT_ALLOWED, user)

    def objects_of_demo_app(self):
        """Reservations, a call and notifications: what the samples of an interface may name."""
        hold = self.result("demo-app", self.samples["ReserveAmountCharging.reserveAmount"]["v2_1"])
        volume = self.result("demo-app", self.samples["ReserveVolumeCharging.reserveVolume"]["v2_1"].replace(
            "<!-- optional: balanceType (string) -->", "<m:balanceType>data</m:balanceType>"))
        call = self.result("demo-app", self.samples["ThirdPartyCall.makeCall"]["v2_3"].replace(
            OWN, "sip:a@127.0.0.1:9").replace(NEIGHBOUR, "sip:b@127.0.0.1:9"))
        for manager, what in (("CallDirectionManager", "CallDirection"), ("CallNotificationManager", "Call")):
            text = self.samples[f"{manager}.start{what}Notification"]["v3_1"]
            self.result("demo-app", re.sub("(<correlator>)[^<]*", r"\1theirs", text))
        return {"ReserveAmountCharging": hold, "ReserveVolumeCharging": volume, "ThirdPartyCall": call,
                "CallDirectionManager": "theirs", "CallNotificationManager": "theirs"}

    def test_objects_of_others_answer_like_unknown_ones(self):
        """For operations that name an object instead of an address."""
        theirs = self.objects_of_demo_app()
        asked = set()
        for operation, versions in sorted(self.samples.items()):
            interface = operation.partition(".")[0]
            permission = self.operations[operation]["permission"]
            for version, text in sorted(versions.items()):
                text = about_an_object(text)
                if text is None:
                    continue
                parts = OBJECT.findall(text)
                asked.add(operation)
                for user in self.users:
                    if interface == "ThirdPartyCall" and user.kind == "administrator":
                        continue  # who may see the calls that logins of the domain started
                    unknown = self.ask(user.name, text)
                    said = self.ask(user.name, text.replace(">example<", f">{theirs[interface]}<"))
                    self.assertEqual(said, unknown, (operation, version, user))
                    refused = [f"SVC0002: Invalid input value for message part {part}" for part in parts]
                    if parts == ["correlator"] and not self.has_some(user, permission):
                        refused = [NOT_ALLOWED]
                    if "PlayAnd" in operation:
                        refused = [NOT_AVAILABLE]
                    self.assertIn(said, refused, (operation, version, user))
        for operation in ("CallDirectionManager.stopCallDirectionNotification", "ThirdPartyCall.endCall",
                          "CallNotificationManager.stopCallNotification", "ReserveVolumeCharging.releaseReservation"):
            self.assertIn(operation, asked)
        # They are still there for their owner.
        for interface, operation in (("ReserveAmountCharging", "releaseReservation"),
                                     ("ReserveVolumeCharging", "releaseReservation"),
                                     ("CallDirectionManager", "stopCallDirectionNotification"),
                                     ("CallNotificationManager", "stopCallNotification")):
            versions = self.samples[f"{interface}.{operation}"]
            text = about_an_object(versions[max(versions)])
            self.result("demo-app", text.replace(">example<", f">{theirs[interface]}<"))


if __name__ == "__main__":
    unittest.main()
