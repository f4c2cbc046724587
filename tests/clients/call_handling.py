#!/usr/bin/python3
"""Call Handling, every operation in every version, by clients made from our WSDLs and by sloppy ones; whose rules one
may set; and `ledgerline rule`.

    call_handling.py LEDGERLINE
"""
import json
import os
import sys
import unittest

import requests
from lxml import etree

from demo_case import DemoCase
from server import run
from sip_peers import free_port
from soap_drivers import Backwards, Php, Refusal, Zeep

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
VERSIONS = ["v2_0", "v2_1", "v3_0", "v3_1"]
OPERATIONS = {"setRules", "setRulesForGroup", "getRules", "clearRules"}
ALICE, BOB, CAROL = "tel:+15550001", "tel:+15550002", "tel:+15550003"
EVERYTHING = {
    "acceptList": ["tel:+1555*", "sip:friend@example.com"],
    "blockList": ["tel:+15550009"],
    "forwardList": [
        {"callingAddress": "tel:+15550010", "forwardingAddress": "tel:+15550011", "onBusyAddress": "tel:+15550012"},
        {"callingAddress": "+1 555-0013", "forwardingAddress": "sip:Two@EXAMPLE.com",
         "onNoAnswerAddress": "tel:+15550014"},
    ],
    "forward": {"forwardingAddress": "tel:+15550015", "onBusyAddress": "tel:+15550016",
                "onNoAnswerAddress": "tel:+15550017"},
}


def listed(rules):
    """Rules as every client gives them: lists are lists, however short."""
    rules = {name: part for name, part in (rules or {}).items() if part}
    for name in ("acceptList", "blockList", "forwardList"):
        if name in rules and not isinstance(rules[name], list):
            rules[name] = [rules[name]]
    return rules


class CallHandling(DemoCase):
    program = LEDGERLINE
    settings = {"RULES_ENTRIES_LIMIT": "20", "RULES_ADDRESSES_LIMIT": "5"}

    @classmethod
    def setUpClass(cls):
        cls.sip_port = free_port()
        super().setUpClass()
        cls.drivers = []
        cls.app = cls.driver(Zeep)
        cls.alice, cls.bob, cls.admin, cls.finance = (cls.driver(Zeep, name)
                                                      for name in ("alice", "bob", "admin", "finance"))

    @classmethod
    def driver(cls, kind, user="demo-app"):
        made = kind(cls.url, user, user)
        cls.drivers.append(made)
        return made

    @classmethod
    def tearDownClass(cls):
        for driver in cls.drivers:
            driver.close()
        super().tearDownClass()

    @staticmethod
    def call(client, operation, version="v3_0", **children):
        return client.call("CallHandling", version, operation, children)

    def refused(self, message_id, client, operation, version="v3_0", **children):
        answer = self.call(client, operation, version, **children)
        self.assertIsInstance(answer, Refusal, answer)
        self.assertEqual(answer.message_id, message_id, answer)
        return answer

    def ledgerline(self, *arguments):
        return run([LEDGERLINE, *arguments], cwd=self.folder)

    def done(self, *arguments):
        output, errors, status = self.ledgerline(*arguments)
        self.assertEqual((status, errors), (0, ""), arguments)
        return output

    def rule_names(self, owner):
        return [rule["name"] for rule in json.loads(self.done("rule", "list", owner, "--json"))]

    def test_every_operation_in_every_version_by_several_clients(self):
        for kind in (Zeep, Php, Backwards):
            client = self.driver(kind)
            reader = self.app if kind is Backwards else client  # which reads one level only
            for version in VERSIONS:
                with self.subTest(client=kind.__name__, version=version):
                    if kind is Zeep:
                        self.assertEqual(client.operations("CallHandling", version), OPERATIONS)
                    self.assertIsNone(self.call(client, "setRules", version, address=CAROL, rules=EVERYTHING))
                    self.assertEqual(listed(self.call(reader, "getRules", version, address=CAROL)), EVERYTHING)
                    result = self.call(client, "setRulesForGroup", version,
                                       addresses=["tel:+15550020", "tel:+15550021"],
                                       rules={"blockList": ["tel:+15550009"]})
                    self.assertEqual([(one["address"], one["success"].lower()) for one in result],
                                     [("tel:+15550020", "true"), ("tel:+15550021", "true")])
                    self.assertEqual(listed(self.call(reader, "getRules", version, address="tel:+15550021")),
                                     {"blockList": ["tel:+15550009"]})
                    self.assertIsNone(self.call(client, "clearRules", version,
                                                addresses=[CAROL, "tel:+15550020", "tel:+15550021"]))
                    self.assertEqual(listed(self.call(reader, "getRules", version, address=CAROL)), {})
                    self.assertIsNone(self.call(client, "clearRules", version, addresses=[CAROL]))

    def test_a_set_is_replaced_as_a_whole_and_other_rules_stay(self):
        address = "tel:+15550030"
        self.done("rule", "set", address, "mine", "--reject", "486", "--reason", "Busy Here", "--priority", "7")
        self.call(self.app, "setRules", address=address, rules=EVERYTHING)
        self.assertEqual(self.rule_names(address),
                         ["mine", "accept", "block", "forward-list 1", "forward-list 1 on busy", "forward-list 2",
                          "forward-list 2 on no answer", "forward", "forward on busy", "forward on no answer"])
        only_busy = {"forward": {"onBusyAddress": "tel:+15550016"}}
        self.assertIsNone(self.call(self.app, "setRules", "v2_1", address=address, rules=only_busy))
        self.assertEqual(listed(self.call(self.app, "getRules", "v3_1", address=address)), only_busy)
        self.assertEqual(self.rule_names(address), ["mine", "forward on busy"])
        self.call(self.app, "clearRules", addresses=[address])
        self.assertEqual(self.rule_names(address), ["mine"])
        self.done("rule", "remove", address, "mine")
        self.assertEqual(self.rule_names(address), [])

    def test_rules_of_which_nothing_is_understood_are_no_rules(self):
        """Elements that are not known are passed over; where all are, that would take away what was set before."""
        kept = {"blockList": ["tel:+15550009"]}
        address = "tel:+15550032"
        client = self.driver(Backwards)
        self.assertIsNone(self.call(client, "setRules", address=address, rules=kept))
        for version in VERSIONS:
            for operation, whose in (("setRules", {"address": address}), ("setRulesForGroup", {"addresses": [address]})):
                answer = self.refused("SVC0002", client, operation, version, **whose,
                                      rules={"rejectList": ["tel:+15550008"]})
                self.assertIn("message part rules", answer.text)
        self.assertEqual(listed(self.call(self.app, "getRules", address=address)), kept)
        self.assertIsNone(self.call(client, "setRules", address=address, rules={**kept, "rejectList": ["tel:+15550008"]}))
        self.assertEqual(listed(self.call(self.app, "getRules", address=address)), kept)
        self.assertIsNone(self.call(client, "setRules", address=address, rules={}))
        self.assertEqual(listed(self.call(self.app, "getRules", address=address)), {})

    def test_what_is_refused_changes_nothing(self):
        kept = {"blockList": ["tel:+15550009"]}
        address = "tel:+15550031"
        self.call(self.app, "setRules", address=address, rules=kept)
        for message_id, part, rules in (
                ("SVC0004", "rules.acceptList", {"acceptList": ["nobody"]}),
                ("SVC0004", "rules.forward.onBusyAddress",
                 {"forward": {"forwardingAddress": "tel:+1", "onBusyAddress": "mailto:a@b"}}),
                ("SVC0004", "rules.forwardList.callingAddress",
                 {"forwardList": [{"callingAddress": "nobody", "forwardingAddress": "tel:+1"}]}),
                ("POL0001", "not-available", {"voiceInteractionContent": {"content": "VoiceXML"}}),
                ("POL0001", "not-available", {"voiceInteraction": {"text": {"text": "Hello", "language": "en"}}}),
                ("POL0003", "rules", {"blockList": ["tel:+1"] * 21})):
            for version in VERSIONS:
                answer = self.refused(message_id, self.app, "setRules", version, address=address, rules=rules)
                self.assertIn(part, answer.text)
                self.refused(message_id, self.app, "setRulesForGroup", version, addresses=[address], rules=rules)
        for operation, children in (("setRules", {"address": "group:friends@example.com", "rules": kept}),
                                    ("getRules", {"address": "group:friends@example.com"}),
                                    ("clearRules", {"addresses": [address, "group:friends@example.com"]})):
            self.refused("POL0006", self.app, operation, **children)
        for operation, children in (("setRules", {"address": "tel:+15559999", "rules": kept}),
                                    ("getRules", {"address": "tel:+15559999"}),
                                    ("clearRules", {"addresses": [address, "tel:+15559999"]})):
            self.refused("SVC0004", self.app, operation, **children)
        for operation in ("clearRules", "setRulesForGroup"):
            rules = {} if operation == "clearRules" else {"rules": {}}
            self.refused("POL0003", self.app, operation, addresses=[address] * 6, **rules)
        self.assertEqual(listed(self.call(self.app, "getRules", address=address)), kept)

    def test_nobody_is_sent_on_to_whom_one_may_not_call(self):
        self.done("user", "limit", "alice", "call-allow", "tel:+4940")
        self.done("user", "limit", "alice", "call-deny", "tel:+49405")
        self.done("user", "limit", "alice", "call-deny", CAROL)
        refused = [("onBusyAddress", "tel:+494055"), ("onNoAnswerAddress", "tel:+49-40-(55)"), ("forwardingAddress", "tel:+4930"),
                   ("forwardingAddress", CAROL), ("forwardingAddress", f"sip:+15550003@127.0.0.1:{self.sip_port}")]
        self.wait_until(lambda: isinstance(self.call(self.alice, "setRules", address=ALICE,
                                                     rules={"forward": dict(refused[:1])}), Refusal))
        kept = {"forward": {"forwardingAddress": "tel:+494066", "onBusyAddress": BOB}}
        self.assertIsNone(self.call(self.alice, "setRules", address=ALICE, rules=kept))
        for member, target in refused:
            for rules in ({"forward": {member: target}},
                          {"forwardList": [{"callingAddress": "tel:+1*", member: target}]}):
                with self.subTest(target=target):
                    answer = self.refused("POL0001", self.alice, "setRules", address=ALICE, rules=rules)
                    self.assertIn("not-allowed", answer.text)
                    self.refused("POL0001", self.alice, "setRulesForGroup", addresses=[ALICE], rules=rules)
        self.assertEqual(listed(self.call(self.alice, "getRules", address=ALICE)), kept)
        # Who is not limited so sends whom they like.
        self.assertIsNone(self.call(self.app, "setRules", address=ALICE, rules={"forward": dict(refused[:1])}))
        self.call(self.alice, "clearRules", addresses=[ALICE])
        for limit, item in (("call-allow", "tel:+4940"), ("call-deny", "tel:+49405"), ("call-deny", CAROL)):
            self.done("user", "limit", "alice", limit, item, "--remove")

    def test_each_address_of_a_group_has_its_own_result(self):
        addresses = ["tel:+15550032", "tel:+15559999", "group:friends@example.com", "sip:alice@example.com"]
        rules = {"blockList": ["tel:+15550009"]}
        for version in VERSIONS:
            result = self.call(self.app, "setRulesForGroup", version, addresses=addresses, rules=rules)
            self.assertEqual([one["address"] for one in result], addresses)
            self.assertEqual([one["success"] for one in result], ["True", "False", "False", "True"])
            self.assertEqual(result[1]["errorInformation"],
                             {"messageId": "SVC0004", "variables": ["addresses"],
                              "text": "No valid addresses provided in message part %1"})
            self.assertEqual(result[2]["errorInformation"]["messageId"], "POL0006")
        self.assertEqual(listed(self.call(self.app, "getRules", address=ALICE)), rules)
        self.call(self.app, "clearRules", addresses=[ALICE])

    def test_rights(self):
        """Own rules where the account lets its users; the administrator's domain; what was granted; nothing else."""
        rules = {"blockList": ["tel:+15550009"]}
        changes = (("setRules", lambda address: {"address": address, "rules": rules}),
                   ("setRulesForGroup", lambda address: {"addresses": [address], "rules": rules}),
                   ("clearRules", lambda address: {"addresses": [address]}))
        reads = ("getRules", lambda address: {"address": address})
        self.done("user", "add", "ungranted", "--kind", "application", "--password-file", self.password("ungranted"))
        self.done("user", "add", "granted", "--kind", "application", "--password-file", self.password("granted"))
        self.done("user", "grant", "granted", "rules.change", "example.com")
        ungranted, granted = self.driver(Zeep, "ungranted"), self.driver(Zeep, "granted")
        for version in VERSIONS:
            for operation, children in changes:
                for client, address, allowed in (
                        (self.alice, ALICE, True), (self.alice, "sip:alice@example.com", True),
                        (self.alice, BOB, False), (self.alice, "tel:+15559999", False),
                        (self.bob, BOB, False), (self.bob, ALICE, False), (self.admin, BOB, True),
                        (self.finance, ALICE, False), (ungranted, ALICE, False), (granted, ALICE, True)):
                    with self.subTest(version=version, operation=operation, address=address):
                        if not allowed:
                            answer = self.refused("POL0001", client, operation, version, **children(address))
                            self.assertIn("not-allowed", answer.text)
                            continue
                        self.assertNotIsInstance(self.call(client, operation, version, **children(address)), Refusal)
            for client, address, allowed in ((self.alice, ALICE, True), (self.bob, BOB, True), (self.bob, ALICE, False),
                                             (self.admin, ALICE, True), (self.finance, ALICE, False),
                                             (granted, ALICE, False)):
                answer = self.call(client, reads[0], version, **reads[1](address))
                self.assertEqual(isinstance(answer, Refusal), not allowed, answer)
        self.done("account", "set", BOB, "rules_by_user", "on")
        self.wait_until(lambda: self.call(self.bob, "setRules", address=BOB, rules=rules) is None)
        self.done("account", "set", BOB, "rules_by_user", "off")
        self.wait_until(lambda: isinstance(self.call(self.bob, "setRules", address=BOB, rules=rules), Refusal))
        mixed = self.call(self.alice, "setRulesForGroup", addresses=[ALICE, BOB], rules=rules)
        self.assertEqual([one["success"] for one in mixed], ["True", "False"])
        self.assertEqual(mixed[1]["errorInformation"]["messageId"], "POL0001")

    def wait_until(self, condition):
        """The node hears of what other programs change."""
        for _ in range(600):
            if condition():
                return
            requests.get(self.url + "/healthz", timeout=30)
        self.fail("it never came to be")

    def password(self, name):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(name + "\n")
        return path

    def test_names_that_nobody_knows_are_passed_over(self):
        """Here only: the names in this service's messages are not certain."""
        local = "http://www.csapi.org/schema/parlayx/call_handling/v2_0/local"
        body = (f'<h:setRules xmlns:h="{local}"><h:rules><forward><unheard>1</unheard>'
                "<onBusyAddress>tel:+15550016</onBusyAddress></forward><h:blockList>tel:+15550009</h:blockList>"
                "<unheard><of/></unheard></h:rules><address>tel:+15550033</address><h:more/></h:setRules>")
        answer = requests.post(self.url + "/ParlayX/", auth=("demo-app", "demo-app"), timeout=30, data=(
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>' + body +
            "</e:Body></e:Envelope>"), headers={"Content-Type": "text/xml"})
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(etree.fromstring(answer.content)[0][0].tag, f"{{{local}}}setRulesResponse")
        self.assertEqual(listed(self.call(self.app, "getRules", address="tel:+15550033")),
                         {"blockList": ["tel:+15550009"], "forward": {"onBusyAddress": "tel:+15550016"}})
        for operation in OPERATIONS:  # a version that is not listed
            namespace = local.replace("v2_0", "v2_7")
            answer = requests.post(self.url + "/ParlayX/", auth=("demo-app", "demo-app"), timeout=30, data=(
                '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
                f'<h:{operation} xmlns:h="{namespace}"><address>tel:+15550033</address>'
                "<addresses>tel:+15550033</addresses><rules/></h:" + operation + "></e:Body></e:Envelope>"),
                headers={"Content-Type": "text/xml"})
            self.assertEqual(answer.status_code, 200, answer.text)
            self.assertEqual(etree.fromstring(answer.content)[0][0].tag, f"{{{namespace}}}{operation}Response")

    def acting_on(self, *arguments):
        stages = json.loads(self.done("rule", "test", *arguments, "--json"))["stages"]
        return {stage["stage"]: stage["acting"] for stage in stages}

    def test_rule_test_tells_what_would_act_and_why(self):
        address = "tel:+15550040"
        self.call(self.app, "setRules", address=address, rules=EVERYTHING)
        self.assertEqual(self.acting_on(address, "--caller", "tel:+15550010"),
                         {"immediately": "forward-list 1", "busy": "forward-list 1 on busy", "no-answer": None,
                          "error": None, "answered": None, "ended": None})
        self.assertEqual(self.acting_on(address, "--caller", "tel:+4930")["immediately"], "accept")
        self.assertEqual(self.acting_on(address)["immediately"], "accept")  # anonymous
        self.assertEqual(self.acting_on(address, "--caller", "tel:+15550009")["immediately"], "block")
        text = self.done("rule", "test", address, "--caller", "tel:+15550099", "--stage", "immediately")
        self.assertEqual(text, "immediately: forward acts\n"
                         "    accept-list accept does not apply: the calling address does not fit\n"
                         "    block-list block does not apply: the calling address does not fit\n"
                         "    forward-list forward-list 1 does not apply: the calling address does not fit\n"
                         "    forward-list forward-list 2 does not apply: the calling address does not fit\n"
                         "    forward forward calls tel:+15550015 instead\n")
        # Alice calls from her phone: she is known by her number, too.
        self.call(self.app, "setRules", address=address, rules={"blockList": [ALICE]})
        self.assertIsNone(self.acting_on(address, "--caller", "sip:alice@example.com")["immediately"])
        self.assertEqual(self.acting_on(address, "--caller", "sip:alice@example.com", "--authenticated")["immediately"],
                         "block")

    def test_rules_of_hours_and_of_domains(self):
        address = "tel:+15550041"
        self.done("rule", "set", address, "night", "--redirect", "tel:+15550042", "--hours", "22:00-06:00",
                  "--days", "fri,sat", "--time-zone", "Europe/Berlin", "--not-calling", "sip:*@example.com")
        night = {"immediately": "night"}
        for at, caller, acting in (("2026-12-05T03:00Z", "tel:+1", night), ("2026-12-05T06:00Z", "tel:+1", {}),
                                   ("2026-12-04T21:00Z", "tel:+1", night), ("2026-12-04T20:59Z", "tel:+1", {}),
                                   ("2026-12-05T03:00Z", "sip:alice@example.com", {})):
            found = self.acting_on(address, "--caller", caller, "--at", at, "--stage", "immediately")
            self.assertEqual(found, acting or {"immediately": None}, at)
        self.done("rule", "set", address, "late", "--fork", "tel:+15550043", "tel:+15550044", "--after", "20")
        self.done("account", "domain", "rules.example")
        self.done("account", "open", "tel:+15560001", "--domain", "rules.example")
        self.done("rule", "set", "rules.example", "first", "--reject", "403", "--priority", "6", "--calling", "tel:+666*")
        self.done("rule", "set", "rules.example", "last", "--redirect", "sip:desk@example.com", "--priority", "5")
        self.assertEqual(self.acting_on("tel:+15560001", "--caller", "tel:+6661")["immediately"], "first")
        self.assertEqual(self.acting_on("tel:+15560001", "--caller", "tel:+1")["immediately"], "last")
        self.done("rule", "set", "tel:+15560001", "own", "--stop", "--calling", "tel:+1*")
        self.assertEqual(self.acting_on("tel:+15560001", "--caller", "tel:+1")["immediately"], "own")
        self.assertEqual(self.rule_names("tel:+15560001"), ["first", "own", "last"])
        rules = json.loads(self.done("rule", "list", address, "--json"))
        self.assertEqual([(rule["name"], rule["stage"], rule["action"], rule["calling"], rule["hours"])
                          for rule in rules],
                         [("night", "immediately", "redirect tel:+15550042", "not sip:*@example.com",
                           "fri sat 22:00-06:00 Europe/Berlin"),
                          ("late", "after 20 s", "fork tel:+15550043, tel:+15550044", None, None)])
        self.assertEqual(self.acting_on(address, "--caller", "tel:+1")["after 20 s"], "late")

    def test_commands_refuse_what_makes_no_sense(self):
        for arguments, words in (
                (("set", "nowhere.example", "x", "--stop"), "no domain"),
                (("set", "tel:+15559999", "x", "--stop"), "no account"),
                (("set", ALICE, "x"), "does one thing"),
                (("set", ALICE, "x", "--stop", "--redirect", "tel:+1"), "does one thing"),
                (("set", ALICE, "x", "--redirect", "nobody"), "no address that can be called"),
                (("set", ALICE, "x", "--stop", "--hours", "9-17"), "no hours"),
                (("set", ALICE, "x", "--stop", "--hours", "09:00-25:00"), "no hours"),
                (("set", ALICE, "x", "--stop", "--hours", "9am:00pm-17:00"), "no hours"),
                (("set", ALICE, "x", "--stop", "--hours", "71582789:00-17:00"), "no hours"),
                (("set", ALICE, "x", "--stop", "--days", "monday"), "no day"),
                (("set", ALICE, "x", "--stop", "--days", "mon", "--time-zone", "Mars"), "no time zone"),
                (("set", ALICE, "x", "--reject", "200"), "200"),
                (("remove", ALICE, "x"), "no rule x"),
                (("test", "tel:+15559999"), "no account")):
            output, errors, status = self.ledgerline("rule", *arguments)
            self.assertNotEqual(status, 0, arguments)
            self.assertIn(words, errors, arguments)
            self.assertEqual(output, "", arguments)
        self.assertEqual(self.rule_names(ALICE), [])


if __name__ == "__main__":
    unittest.main()
