#!/usr/bin/python3
"""Who may do what, over HTTP: every operation that the server publishes, asked by every kind of user with and without
grants, about addresses near and far, against the tables that docs/rights.md is made of.

    rights_matrix.py LEDGERLINE

Requests are the published examples: an operation that is added to a service is asked by itself.
"""
import os
import re
import shutil
import sys
import tempfile
import unittest
from collections import namedtuple

import requests

from server import Server, run, server_info, sql

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
KINDS = ("application", "subscriber", "administrator", "finance", "operator")
OWN, NEIGHBOUR, ABROAD, NOBODY = "tel:+15550001", "tel:+15550002", "tel:+18885550001", "tel:+19995550001"
HOME = {OWN: "example.com", NEIGHBOUR: "example.com", ABROAD: "other.org"}
OBJECT = re.compile(r"<m:(correlator|(?!voucher)\w+Identifier)>example<")  # what an operation is about instead of an address
NOT_ALLOWED = "POL0001: A policy error occurred. Error code is not-allowed"
User = namedtuple("User", "name kind grants domains")  # grants: permissions, in these domains; own ones are in example.com


def table(title, page):
    """Rows of the table under a heading of the page, as dicts."""
    lines = [line for line in page.split(f"## {title}\n")[1].split("\n## ")[0].splitlines() if line.startswith("|")]
    cells = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row)) for row in cells[2:]]


class RightsMatrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-rights-")
        os.chmod(cls.folder, 0o755)
        cls.server = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0", "--sip-listen", "127.0.0.1:0"],
                            cls.folder)
        cls.url = server_info(os.path.join(cls.folder, "var"))["url"]
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
                cls.add_user(kind, domains, cls.permissions)
        for permission in cls.permissions:
            cls.add_user("application", ("example.com",), (permission,))
        cls.session = requests.Session()
        cls.session.trust_env = False
        index = cls.session.get(f"{cls.url}/ParlayX/").text
        cls.samples = {}  # by interface and operation, one of each version
        for version, interface, operation in re.findall(r"/ParlayX/(\w+)/(\w+)\?sample=(\w+)\"", index):
            text = cls.session.get(f"{cls.url}/ParlayX/{version}/{interface}?sample={operation}").text
            cls.samples.setdefault(f"{interface}.{operation}", {})[version] = text

    @classmethod
    def tearDownClass(cls):
        cls.session.close()
        status = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert status == 0, cls.server.output

    @classmethod
    def command(cls, *arguments):
        output, errors, status = run([LEDGERLINE, *arguments], cwd=cls.folder)
        assert status == 0, (arguments, errors)
        return output

    @classmethod
    def add_user(cls, kind, domains, permissions):
        """In example.com, with the model's password; a subscriber of OWN. Grants that its kind can't have are left out.
        Not by the command, which takes its time over each."""
        name = f"user{len(cls.users)}"
        granted = {permission for permission in permissions
                   if domains and cls.permissions[permission][kind] in ("granted", "own domain")}
        pairs = [(domain, permission) for permission in granted for domain in domains]
        made = sql(os.path.join(cls.folder, "var"), f"""
            select auth.create_principal('example.com', '{name}', true, '{kind}',
                (select password_hash from auth.find_login('example.com', 'model', null)),
                array[{f"'{OWN}'" if kind == "subscriber" else ""}]::text[], array{[pair[0] for pair in pairs]}::text[],
                array{[pair[1] for pair in pairs]}::text[])""")
        assert made == ["t"], (name, made)
        cls.users.append(User(name, kind, granted, domains))

    def allowed(self, user, permission, address):
        """What the table says of a user, a permission and an address."""
        reach = self.permissions[permission][user.kind]
        granted = permission in user.grants
        if permission == "call.make" and user.kind == "subscriber":
            return HOME[address] == "example.com"  # on own behalf, between numbers of the own domain
        here = granted and ("*" in user.domains or HOME.get(address) in user.domains or
                            (address not in HOME and bool(user.domains)))
        return {"never": False, "everywhere": True, "granted": here,
                "own domain": here or HOME.get(address, "example.com") == "example.com",
                "own addresses": address == OWN, "own addresses, with rules_by_user": address == OWN}[reach]

    def ask(self, user, text):
        """The fault's string, or nothing."""
        answer = self.session.post(f"{self.url}/ParlayX/", data=text.encode(), auth=(user.name, "secret"),
                                   headers={"Content-Type": "text/xml; charset=utf-8"})
        self.assertIn(answer.status_code, (200, 500), answer.text)
        found = re.search(r"<faultstring[^>]*>([^<]*)</faultstring>", answer.text)
        self.assertEqual(found is None, answer.status_code == 200, answer.text)
        return found[1] if found else None

    def test_every_published_operation_is_in_the_table(self):
        self.assertEqual(set(self.samples) - set(self.operations), set())
        self.assertGreater(len(self.samples), 30)

    def test_operations_on_addresses(self):
        """Where the table says no there is one answer, whatever the address; elsewhere there is any other."""
        asked, number = {True: 0, False: 0}, 0
        for operation, versions in sorted(self.samples.items()):
            permission = self.operations[operation]["permission"]
            self.assertEqual({kind: self.operations[operation][kind] for kind in KINDS},
                             {kind: self.permissions[permission][kind] for kind in KINDS}, operation)
            version, text = max(versions.items())
            if OBJECT.search(text):
                continue
            if "refund" in operation:  # one without a charge needs a right of its own
                text = re.sub(r"(</m:refund)", r"<m:originalReferenceCode>none</m:originalReferenceCode>\1", text)
            for user in self.users:
                for address in (OWN, NEIGHBOUR, ABROAD, NOBODY):
                    if address == NOBODY and permission == "call.make":
                        continue  # numbers that nobody here has are a matter of [call] destinations
                    number += 1
                    said = self.ask(user, text.replace(NEIGHBOUR, OWN).replace(OWN, address).replace(
                        "example-1", f"matrix-{number}"))
                    expected = self.allowed(user, permission, address)
                    self.assertEqual(said != NOT_ALLOWED, expected, (operation, version, user, address, said))
                    asked[expected] += 1
        self.assertGreater(min(asked.values()), 200, asked)

    def test_every_version_asks_the_same_rights(self):
        nobody, everybody = self.users[0], self.users[3]
        for operation, versions in sorted(self.samples.items()):
            for version, text in sorted(versions.items()):
                if not OBJECT.search(text):
                    self.assertEqual(self.ask(nobody, text), NOT_ALLOWED, (operation, version))
                    said = self.ask(everybody, text.replace("example-1", f"{operation}-{version}"))
                    self.assertNotEqual(said, NOT_ALLOWED, (operation, version))

    def test_objects_of_others_answer_like_unknown_ones(self):
        """For operations that name an object instead of an address."""
        reserve = self.samples["ReserveAmountCharging.reserveAmount"]["v2_1"]
        answer = self.session.post(f"{self.url}/ParlayX/", data=reserve, auth=("demo-app", "demo-app"))
        hold = re.search(r"result>(\w{36})<", answer.text)[1]
        call = self.samples["ThirdPartyCall.makeCall"]["v2_3"].replace(OWN, "sip:a@127.0.0.1:9").replace(
            NEIGHBOUR, "sip:b@127.0.0.1:9")
        answer = self.session.post(f"{self.url}/ParlayX/", data=call, auth=("demo-app", "demo-app"))
        made = re.search(r"result>([^<]+)<", answer.text)[1]
        asked = 0
        for operation, versions in sorted(self.samples.items()):
            for version, text in sorted(versions.items()):
                part = OBJECT.search(text)
                if not part:
                    continue
                theirs = {"reservationIdentifier": hold, "correlator": "none"}.get(part[1], made)
                for user in self.users:
                    if theirs == made and user.kind == "administrator":
                        continue  # who may see the calls that his domain's users started
                    unknown = self.ask(user, text)
                    self.assertIsNotNone(unknown, (operation, version, user))
                    self.assertEqual(self.ask(user, text.replace(">example<", f">{theirs}<")), unknown,
                                     (operation, version, user))
                    asked += 1
        self.assertGreater(asked, 200)
        # It is still there for its owner.
        release = self.samples["ReserveAmountCharging.releaseReservation"]["v2_1"].replace(">example<", f">{hold}<")
        answer = self.session.post(f"{self.url}/ParlayX/", data=release, auth=("demo-app", "demo-app"))
        self.assertEqual(answer.status_code, 200, answer.text)


if __name__ == "__main__":
    unittest.main()
