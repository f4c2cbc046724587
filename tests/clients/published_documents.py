#!/usr/bin/python3
"""Other people's SOAP clients on the documents that we publish, and our envelopes against our schemas.

A stub server on loopback serves the documents of publish_documents and answers with its envelopes, so that this tests
the documents and the wire format alone.

    published_documents.py PUBLISH_DOCUMENTS
"""

import http.server
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
from decimal import Decimal

import zeep
import zeep.exceptions
from lxml import etree

PUBLISH = sys.argv.pop(1)
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
VERSIONS = ("v2_0", "v2_1", "v3_1")
CHARGE = {"description": "song", "currency": "EUR", "amount": Decimal("1.50")}


class Stub(http.server.BaseHTTPRequestHandler):
    folder: pathlib.Path
    last_request = b""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        file = self.folder / path.lstrip("/") / query.lower()
        if file.is_file():
            self.answer(200, file.read_bytes())
        else:
            self.send_error(404)

    def do_POST(self):
        Stub.last_request = self.rfile.read(int(self.headers["Content-Length"]))
        folder = self.folder / self.path.lstrip("/")
        operation = etree.QName(etree.fromstring(Stub.last_request).find(SOAP + "Body")[0]).localname
        if b"please-fail" in Stub.last_request:
            self.answer(500, (folder / "SVC0002.fault").read_bytes())
        else:
            self.answer(200, (folder / (operation + ".response")).read_bytes())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class PublishedDocuments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        Stub.folder = pathlib.Path(cls.folder.name)
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
        cls.base = f"http://127.0.0.1:{cls.server.server_port}"
        subprocess.run([PUBLISH, cls.folder.name, cls.base], check=True)
        cls.thread = threading.Thread(target=cls.server.serve_forever)
        cls.thread.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        cls.thread.join()
        cls.folder.cleanup()

    def url(self, version, interface="AmountCharging"):
        return f"{self.base}/{version}/{interface}"

    def read(self, version, name, interface="AmountCharging"):
        return (Stub.folder / version / interface / name).read_bytes()

    def schema(self, version, name, interface="AmountCharging"):
        """A schema of ours; its imports come from the stub by HTTP, which lxml needs to be told."""
        parser = etree.XMLParser(no_network=False)
        text = self.read(version, "xsd=" + name, interface)
        return etree.XMLSchema(etree.fromstring(text, parser, base_url=self.url(version, interface)))

    def test_envelopes_are_valid_by_our_schemas(self):
        seen = set()
        for folder in sorted(Stub.folder.glob("*/*")):
            version, interface = folder.parts[-2:]
            local, common = (self.schema(version, name, interface) for name in ("local", "common"))
            for file in folder.glob("*.re*"):
                body = etree.fromstring(file.read_bytes()).find(SOAP + "Body")
                local.assertValid(etree.ElementTree(body[0]))
                seen.add((version, interface, file.name))
            for file in folder.glob("*.fault*"):
                exception = etree.fromstring(file.read_bytes()).xpath("//*[local-name()='messageId']/..")[0]
                common.assertValid(etree.ElementTree(exception))
                seen.add((version, interface, file.name))
        for version in VERSIONS:
            for case in (("AmountCharging", "refundAmount.request"), ("VolumeCharging", "getAmount.response"),
                         ("ReserveAmountCharging", "reserveAmount.response"),
                         ("ReserveVolumeCharging", "reserveVolume.request"),
                         ("ReserveVolumeCharging", "POL0008.fault12")):
                self.assertIn((version, *case), seen)

    def test_our_elements_are_published_last_and_optional(self):
        xsd = "{http://www.w3.org/2001/XMLSchema}"
        for version in VERSIONS:
            for folder in (Stub.folder / version).glob("*Charging"):
                local = etree.fromstring((folder / "xsd=local").read_bytes())
                for request in (folder.glob("*.request")):
                    wrapper = local.find(f"{xsd}element[@name='{request.stem}']")
                    children = wrapper.findall(f".//{xsd}element")
                    ours = [c for c in children if c.get("name") in ("balanceType", "originalReferenceCode")]
                    expected = ["balanceType"]
                    if request.stem.startswith("refund"):
                        expected.append("originalReferenceCode")
                    self.assertEqual([c.get("name") for c in children[-len(ours):]], expected, request)
                    self.assertEqual({(c.get("minOccurs"), c.get("type")) for c in ours}, {("0", "xsd:string")})

    def test_zeep_in_strict_mode(self):
        for version in VERSIONS:
            client = zeep.Client(self.url(version) + "?wsdl", settings=zeep.Settings(strict=True))
            what = {"amount": Decimal("1.50"), "billingText": "song"} if version == "v2_0" else {"charge": CHARGE}
            rest = {"endUserIdentifier": "tel:+15550001", "balanceType": "bonus"}
            for operation in (client.service.chargeAmount, client.service.refundAmount):
                self.assertIsNone(operation(referenceCode="r-1", **what, **rest))
                sent = etree.fromstring(Stub.last_request).find(SOAP + "Body")[0]
                self.schema(version, "local").assertValid(etree.ElementTree(sent))
            with self.assertRaises(zeep.exceptions.Fault) as caught:
                client.service.chargeAmount(referenceCode="please-fail", **what, **rest)
            self.assertEqual(caught.exception.message, "SVC0002: Invalid input value for message part amount")
            detail = client.wsdl.types.deserialize(caught.exception.detail[0])
            self.assertEqual((detail.messageId, detail.variables), ("SVC0002", ["amount"]))

    @unittest.skipUnless(shutil.which("php"), "php-cli and php-soap are not installed")
    def test_php(self):
        script = """
            $client = new SoapClient($argv[1] . '?WSDL', ['cache_wsdl' => WSDL_CACHE_NONE]);
            $charge = ['description' => 'song', 'amount' => '1.50'];
            $request = ['endUserIdentifier' => 'tel:1', 'charge' => $charge, 'referenceCode' => 'r'];
            $client->chargeAmount($request);
            $request['referenceCode'] = 'please-fail';
            try {
                $client->chargeAmount($request);
            } catch (SoapFault $fault) {
                echo $fault->faultcode, '|', $fault->faultstring, '|', $fault->detail->ServiceException->messageId;
            }"""
        for version in ("v2_1", "v3_1"):
            out = subprocess.run(
                ["php", "-r", script, "--", self.url(version)], check=True, capture_output=True, text=True
            ).stdout
            self.assertTrue(out.endswith(":Client|SVC0002: Invalid input value for message part amount|SVC0002"), out)

    @unittest.skipUnless(shutil.which("perl"), "perl is not installed")
    def test_soap_lite(self):
        if subprocess.run(["perl", "-MSOAP::Lite", "-e1"], capture_output=True).returncode:
            self.skipTest("libsoap-lite-perl is not installed")
        script = """
            my $service = SOAP::Lite->service($ARGV[0] . '?wsdl');
            print join ' ', map { $service->can($_) ? $_ : () } qw(chargeAmount refundAmount payMe);"""
        out = subprocess.run(
            ["perl", "-MSOAP::Lite", "-e", script, self.url("v2_1")], check=True, capture_output=True, text=True
        ).stdout
        self.assertEqual(out, "chargeAmount refundAmount")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
