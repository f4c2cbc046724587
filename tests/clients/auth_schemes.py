#!/usr/bin/python3
"""Each authentication scheme from a client that speaks it: curl --digest, zeep's UsernameToken in both forms.

    auth_schemes.py LEDGERLINE
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import zeep
from zeep.wsse.username import UsernameToken

from server import Server, run, server_info

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
BODY = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{header}</s:Header><s:Body>
<l:chargeAmount xmlns:l="http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local">
<l:endUserIdentifier>tel:+15550001</l:endUserIdentifier><l:charge><description>d</description>
<currency>EUR</currency><amount>0.01</amount></l:charge><l:referenceCode>{reference}</l:referenceCode>
</l:chargeAmount></s:Body></s:Envelope>"""
SECRET = "s\u00e4cret"


class AuthSchemes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-auth-")
        os.chmod(cls.folder, 0o755)
        cls.data_dir = os.path.join(cls.folder, "var")
        environment = dict(os.environ, LEDGERLINE_AUTH_SP_HEADER="true", LEDGERLINE_AUTH_FAILURES_PER_LOGIN="1000")
        cls.server = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0", "--sip-listen", "127.0.0.1:0",
                             "--data-dir", cls.data_dir], cls.folder, environment)
        cls.url = server_info(cls.data_dir)["url"] + "/ParlayX/"
        cls.count = 0
        cls.secret_file = os.path.join(cls.folder, "secret")
        with open(cls.secret_file, "w", encoding="utf-8") as file:
            file.write(SECRET + "\n")
        cls.command("user", "secret", "demo-app", "--password-file", cls.secret_file)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def command(cls, *arguments):
        output, errors, status = run([LEDGERLINE, *arguments, "--data-dir", cls.data_dir])
        assert status == 0, errors
        return output

    def curl(self, *options, header=""):
        AuthSchemes.count += 1
        body = BODY.format(header=header, reference=f"A{self.count}")
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: text/xml",
                               "--data-binary", "@-", *options, self.url], input=body, capture_output=True, text=True,
                              timeout=30, check=True)
        return done.stdout

    def test_curl_digest(self):
        self.assertEqual(self.curl("--digest", "-u", f"demo-app:{SECRET}"), "200")
        self.assertEqual(self.curl("--digest", "-u", f"Demo-App@example.com:{SECRET}"), "200")
        self.assertEqual(self.curl("--digest", "-u", "demo-app:demo-app"), "401")
        self.assertEqual(self.curl("--digest", "-u", "admin:admin"), "401")  # has no secret

    def charge_with(self, wsse):
        client = zeep.Client(self.url + "v2_1/AmountCharging?wsdl", wsse=wsse)
        AuthSchemes.count += 1
        client.service.chargeAmount("tel:+15550001", {"description": "d", "currency": "EUR", "amount": "0.01"},
                                    f"Z{self.count}")

    def test_zeep_username_token(self):
        self.charge_with(UsernameToken("demo-app", "demo-app"))
        self.charge_with(UsernameToken("demo-app", SECRET, use_digest=True))
        for wrong in (UsernameToken("demo-app", "x"), UsernameToken("demo-app", "demo-app", use_digest=True)):
            with self.assertRaises(zeep.exceptions.Fault):
                self.charge_with(wrong)

    def test_a_token_is_not_taken_twice_nor_late(self):
        def token(created, nonce="bm9uY2Ux"):
            import base64
            digest = base64.b64encode(hashlib.sha1(base64.b64decode(nonce) + created.encode() + SECRET.encode())
                                      .digest()).decode()
            wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
            return (f'<w:Security xmlns:w="{wsse}wssecurity-secext-1.0.xsd" xmlns:u="{wsse}wssecurity-utility-1.0.xsd">'
                    f'<w:UsernameToken><w:Username>demo-app</w:Username><w:Password Type="{wsse}username-token-profile-'
                    f'1.0#PasswordDigest">{digest}</w:Password><w:Nonce>{nonce}</w:Nonce><u:Created>{created}'
                    '</u:Created></w:UsernameToken></w:Security>')
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.assertEqual(self.curl(header=token(now)), "200")
        self.assertEqual(self.curl(header=token(now)), "401")
        old = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
        self.assertEqual(self.curl(header=token(old)), "401")
        # Two that name different principals.
        self.assertEqual(self.curl("-u", "alice:alice", header=token(now, "bm9uY2Uy")), "401")

    def test_request_soap_header(self):
        def header(stamp, upper=False, space="http://www.huawei.com.cn/schema/common/v2_1"):
            digest = hashlib.md5(("demo-app" + SECRET + stamp).encode()).hexdigest()
            return (f'<h:RequestSOAPHeader xmlns:h="{space}"><h:spId>demo-app</h:spId><h:spPassword>'
                    f'{digest.upper() if upper else digest}</h:spPassword><h:timeStamp>{stamp}</h:timeStamp>'
                    '</h:RequestSOAPHeader>')
        now = time.strftime("%Y%m%d%H%M%S", time.gmtime())
        self.assertEqual(self.curl(header=header(now)), "200")
        self.assertEqual(self.curl(header=header(now, True, "http://www.csapi.org/schema/parlayx/common/v3_1")), "200")
        self.assertEqual(self.curl(header=header("20200101000000")), "401")

    def test_revoked_while_remembered(self):
        self.command("user", "add", "temp", "--password-file", self.secret_file)
        self.command("user", "grant", "temp", "payment.charge", "example.com")
        self.assertEqual(self.curl("-u", f"temp:{SECRET}"), "200")
        self.command("user", "disable", "temp")
        deadline = time.monotonic() + 10
        while self.curl("-u", f"temp:{SECRET}") != "401" and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.curl("-u", f"temp:{SECRET}"), "401")
        trail = run([LEDGERLINE, "psql", "--data-dir", self.data_dir, "--", "-Atc",
                     "select act from finance.trail where subject = 'temp@example.com'"])[0]
        for act in ("user.add", "user.grant", "user.disable", "auth.failed"):
            self.assertIn(act, trail.split())


if __name__ == "__main__":
    unittest.main()
