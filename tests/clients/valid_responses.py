#!/usr/bin/python3
"""Every response of a server is valid by the schemas that it publishes itself, says Xerces-C++.

Each operation of each service and version is called with the example that the server publishes for it, in several
ways that it refuses, in SOAP 1.1 and 1.2.

    valid_responses.py LEDGERLINE VALIDATE_MESSAGES
"""
import html.parser
import os
import re
import subprocess
import sys
import unittest

import requests
from lxml import etree

from demo_case import DemoCase

VALIDATE, LEDGERLINE = (os.path.abspath(argument) for argument in (sys.argv.pop(2), sys.argv.pop(1)))
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
TYPES = {SOAP_11: "text/xml; charset=utf-8", SOAP_12: "application/soap+xml; charset=utf-8"}


class Links(html.parser.HTMLParser):
    """The links to examples on the index page."""

    def __init__(self, page):
        super().__init__()
        self.samples = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        link = dict(attrs).get("href", "")
        if tag == "a" and "?sample=" in link:
            self.samples.append(link)


class ValidResponses(DemoCase):
    program = LEDGERLINE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.session = requests.Session()
        cls.session.trust_env = False
        cls.documents = {}  # by service URL: files with what is to be valid
        cls.results = {}    # by service URL: what operations gave names to
        cls.references = 0

    @classmethod
    def tearDownClass(cls):
        cls.session.close()
        super().tearDownClass()

    def get(self, url):
        answer = self.session.get(url, timeout=30)
        self.assertEqual(answer.status_code, 200, url)
        return answer.text

    def keep(self, service, element):
        files = self.documents.setdefault(service, [])
        kept = sum(map(len, self.documents.values()))
        path = os.path.join(self.folder, f"{kept}.xml")
        with open(path, "wb") as file:
            file.write(etree.tostring(element))
        files.append(path)

    def post(self, service, text, envelope, auth=("demo-app", "demo-app")):
        """The Body of the answer and its status; what is in it is kept."""
        answer = self.session.post(service, text.replace(SOAP_11, envelope).encode(), auth=auth, timeout=30,
                                   headers={"Content-Type": TYPES[envelope]})
        self.assertEqual(answer.headers["Content-Type"].split(";")[0], TYPES[envelope].split(";")[0], answer.text)
        self.assertTrue(answer.headers["X-Request-Id"])
        [body] = etree.fromstring(answer.content).findall(f"{{{envelope}}}Body")
        [child] = body
        if child.tag == f"{{{envelope}}}Fault":
            self.check_fault(service, answer, child, envelope)
        else:
            self.assertEqual(answer.status_code, 200)
            self.keep(service, child)
        return child

    def check_fault(self, service, answer, fault, envelope):
        if envelope == SOAP_11:
            self.assertEqual([child.tag for child in fault][:2], ["faultcode", "faultstring"], answer.text)
            self.assertIn(answer.status_code, (500, 401))
            details = fault.findall("detail/*")
            text = fault.findtext("faultstring")
        else:
            self.assertEqual([etree.QName(child).localname for child in fault][:2], ["Code", "Reason"], answer.text)
            self.assertIn(answer.status_code, (400, 500, 401))
            details = fault.findall(f"{{{SOAP_12}}}Detail/*")
            text = fault.find(f"{{{SOAP_12}}}Reason")[0].text
        for detail in details:
            self.assertIn(detail.findtext("messageId"), text)
            self.keep(service, detail)

    def filled(self, service, sample):
        """The example with a reference that is new, and the identifiers that earlier answers gave."""
        self.references += 1
        sample = sample.replace("example-1", f"reference-{self.references}")
        for name, value in self.results.get(service, {}).items():
            sample = re.sub(rf"<m:{name}>example<", f"<m:{name}>{value}<", sample)
        return sample

    def remember(self, service, child):
        result = next((each for each in child if etree.QName(each).localname == "result"), None)
        if result is None or len(result) or not result.text:
            return
        for name in ("reservationIdentifier", "callIdentifier", "callSessionIdentifier", "correlator"):
            self.results.setdefault(service, {})[name] = result.text

    def answers(self, service, sample):
        """One operation, as it is meant and in the ways that are refused."""
        for envelope in (SOAP_11, SOAP_12):
            child = self.post(service, self.filled(service, sample), envelope)
            self.remember(service, child)
            unknown = re.sub(r"(<m:\w+ xmlns:m=[^>]*>)", r"\1<m:unknown/>", sample)
            empty = re.sub(r"(<m:(\w+) xmlns:m=[^>]*>).*</m:\2>", r"\1</m:\2>", sample, flags=re.DOTALL)
            nowhere = sample.replace("tel:+15550001", "tel:+15559999")
            volumes = sample.replace("<!-- optional: balanceType (string) -->", "<m:balanceType>data</m:balanceType>")
            self.remember(service, self.post(service, self.filled(service, volumes), envelope))
            for text in (unknown, empty, nowhere, sample[:-20]):
                self.post(service, self.filled(service, text), envelope)
            self.post(service, sample, envelope, auth=None)
            self.post(service, sample, envelope, auth=("alice", "alice"))

    def test_every_response_is_valid(self):
        samples = [link for link in Links(self.get(self.url + "/ParlayX/")).samples if link.startswith(self.url)]
        self.assertGreater(len(samples), 20)
        # What makes something goes before what uses it, what ends it last.
        ends = ("end", "cancel", "release", "delete", "stop", "transfer")
        starts = ("make", "reserve", "start", "charge")
        def turn(link):
            name = link.partition("=")[2]
            return 2 if name.startswith(ends) else 0 if name.startswith(starts) and "Reservation" not in name else 1
        for link in sorted(samples, key=turn):
            with self.subTest(link):
                self.answers(link.partition("?")[0], self.get(link))
        for service, files in self.documents.items():
            with self.subTest(service):
                schemas = []
                for name in ("common", "types", "local"):
                    answer = self.session.get(f"{service}?xsd={name}", timeout=30)
                    if answer.status_code == 200:
                        schemas.append(f"{files[0]}.{name}.xsd")
                        with open(schemas[-1], "wb") as file:
                            file.write(answer.content)
                done = subprocess.run([VALIDATE, *schemas, "--", *files], capture_output=True, text=True, check=False,
                                      timeout=60)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        operations = {}
        for service, files in self.documents.items():
            for path in files:
                name = etree.QName(etree.parse(path).getroot()).localname
                operations[name] = operations.get(name, 0) + 1
        print(sum(operations.values()), "elements are valid:", operations)
        for name in ("ServiceException", "PolicyException", "chargeAmountResponse", "reserveVolumeResponse",
                     "getBalanceResponse", "getAmountResponse", "makeCallResponse", "getCallInformationResponse"):
            self.assertIn(name, operations)


if __name__ == "__main__":
    unittest.main(verbosity=1)
