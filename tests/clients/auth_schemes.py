#!/usr/bin/python3
"""Each authentication scheme from a client that speaks it: curl --digest, zeep's UsernameToken in both forms.

    auth_schemes.py LEDGERLINE
"""
import base64
import hashlib
import os
import re
import subprocess
import sys
import time
import unittest

import zeep
from zeep.wsse.username import UsernameToken

from demo_case import DemoCase
from nodes import charge_parts, soap
from server import run

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
BODY = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{header}</s:Header><s:Body>
<l:chargeAmount xmlns:l="http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local">
<l:endUserIdentifier>tel:+15550001</l:endUserIdentifier><l:charge><description>d</description>
<currency>EUR</currency><amount>0.01</amount></l:charge><l:referenceCode>{reference}</l:referenceCode>
</l:chargeAmount></s:Body></s:Envelope>"""
SECRET = "s\u00e4cret"
NONCE_SECONDS = 3
FAILURES_PER_ADDRESS, WINDOW_SECONDS = 40, 30
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"


def time_stamp(form, seconds=0):
    return time.strftime(form, time.gmtime(time.time() + seconds))


def username_token(created, nonce, user="demo-app", secret=SECRET):
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + secret.encode()).digest()).decode()
    return (f'<w:Security xmlns:w="{WSSE}wssecurity-secext-1.0.xsd" xmlns:u="{WSSE}wssecurity-utility-1.0.xsd">'
            f'<w:UsernameToken><w:Username>{user}</w:Username><w:Password Type="{WSSE}username-token-profile-1.0'
            f'#PasswordDigest">{digest}</w:Password><w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>'
            f'{created}</u:Created></w:UsernameToken></w:Security>')


def sp_header(stamp, upper=False, space="http://www.huawei.com.cn/schema/common/v2_1", user="demo-app", secret=SECRET):
    digest = hashlib.md5((user + secret + stamp).encode()).hexdigest()
    return (f'<h:RequestSOAPHeader xmlns:h="{space}"><h:spId>{user}</h:spId><h:spPassword>'
            f'{digest.upper() if upper else digest}</h:spPassword><h:timeStamp>{stamp}</h:timeStamp>'
            '</h:RequestSOAPHeader>')


class AuthSchemes(DemoCase):
    program = LEDGERLINE
    settings = {"AUTH_SP_HEADER": "true", "AUTH_FAILURES_PER_LOGIN": "1000",
                "AUTH_FAILURES_PER_ADDRESS": str(FAILURES_PER_ADDRESS), "AUTH_FAILURE_WINDOW": f"{WINDOW_SECONDS}s",
                "AUTH_NONCE_TTL": f"{NONCE_SECONDS}s"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url += "/ParlayX/"
        cls.count = 0
        cls.secret_file = os.path.join(cls.folder, "secret")
        with open(cls.secret_file, "w", encoding="utf-8") as file:
            file.write(SECRET + "\n")
        cls.command("user", "secret", "demo-app", "--password-file", cls.secret_file)

    def curl(self, *options, header="", path=""):
        AuthSchemes.count += 1
        body = BODY.format(header=header, reference=f"A{self.count}")
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: text/xml",
                               "--data-binary", "@-", *options, self.url + path], input=body, capture_output=True,
                              text=True, timeout=30, check=True)
        return done.stdout

    def test_curl_digest(self):
        self.assertEqual(self.curl("--digest", "-u", f"demo-app:{SECRET}"), "200")
        self.assertEqual(self.curl("--digest", "-u", f"Demo-App@example.com:{SECRET}"), "200")
        self.assertEqual(self.curl("--digest", "-u", "demo-app:demo-app"), "401")
        self.assertEqual(self.curl("--digest", "-u", "admin:admin"), "401")  # has no secret

    def test_who_takes_the_strongest_scheme_comes_to_the_other(self):
        self.assertEqual(self.curl("--anyauth", "-u", f"demo-app:{SECRET}"), "200")
        self.assertEqual(self.curl("--anyauth", "-u", "demo-app:demo-app"), "200")
        self.assertEqual(self.curl("--anyauth", "-u", "demo-app:neither"), "401")
        self.command("user", "add", "plain", "--password-file", self.secret_file)
        self.command("user", "grant", "plain", "payment.charge", "example.com")
        self.assertEqual(self.curl("--anyauth", "-u", f"plain:{SECRET}"), "200")

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
        now = time_stamp("%Y-%m-%dT%H:%M:%SZ")
        token = username_token(now, b"nonce1")
        self.assertEqual(self.curl(header=token), "200")
        self.assertEqual(self.curl(header=token), "401")
        # Nor in another spelling of the same nonce.
        for nonce in (b"nonce11", b"nonce-12"):
            token = username_token(now, nonce)
            padded = base64.b64encode(nonce).decode()
            self.assertTrue(padded.endswith("="))
            self.assertEqual(self.curl(header=token.replace(padded, padded.rstrip("="))), "200")
            self.assertEqual(self.curl(header=token), "401")
        # The digest is over the text of Created, whatever its form.
        for form in ("%Y-%m-%dT%H:%M:%S.25Z", "%Y-%m-%dT%H:%M:%S+00:00"):
            self.assertEqual(self.curl(header=username_token(time_stamp(form), b"nonce1")), "200", form)
        for seconds in (-3600, 3600):
            stale = username_token(time_stamp("%Y-%m-%dT%H:%M:%SZ", seconds), os.urandom(16))
            self.assertEqual(self.curl(header=stale), "401", seconds)

    def test_who_is_known_by_the_message_is_told_what_else_is_wrong(self):
        def token(secret=SECRET):
            return username_token(time_stamp("%Y-%m-%dT%H:%M:%SZ"), os.urandom(16), secret=secret)
        for path in ("v4_0/AmountCharging", "v2_1/NoSuchService", "somewhere/else"):
            self.assertEqual(self.curl(header=token(), path=path), "404", path)
            self.assertEqual(self.curl(header=token("guess"), path=path), "401", path)
        unknown = '<x:Transaction xmlns:x="urn:x" s:mustUnderstand="1"/>'
        self.assertEqual(self.curl(header=unknown + token()), "500")
        self.assertEqual(self.curl(header=unknown + token("guess")), "401")

    def test_a_security_header_holds_until_it_expires(self):
        iso = "%Y-%m-%dT%H:%M:%SZ"

        def expiring(end):
            return username_token(time_stamp(iso), os.urandom(16)).replace(
                "</w:Security>", f"<u:Timestamp><u:Expires>{end}</u:Expires></u:Timestamp></w:Security>")
        # Who means "never" writes the last year that there is.
        for end in (time_stamp(iso, 60), "2300-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            self.assertEqual(self.curl(header=expiring(end)), "200", end)
        for end in (time_stamp(iso, -3600), "0001-01-01T00:00:00Z", "soon"):
            self.assertEqual(self.curl(header=expiring(end)), "401", end)

    def test_request_soap_header(self):
        now = time_stamp("%Y%m%d%H%M%S")
        self.assertEqual(self.curl(header=sp_header(now)), "200")
        for space in ("http://www.csapi.org/schema/parlayx/common/v2_1", "http://www.csapi.org/schema/parlayx/common/v3_1"):
            self.assertEqual(self.curl(header=sp_header(now, True, space)), "200", space)
        self.assertEqual(self.curl(header=sp_header(now, secret="demo-app")), "401")
        for seconds in (-3600, 3600):
            self.assertEqual(self.curl(header=sp_header(time_stamp("%Y%m%d%H%M%S", seconds))), "401", seconds)

    def test_several_at_once_name_one_principal(self):
        self.command("user", "secret", "alice", "--password-file", self.secret_file)
        stamp = time_stamp("%Y%m%d%H%M%S")

        def token(user):
            return username_token(time_stamp("%Y-%m-%dT%H:%M:%SZ"), os.urandom(16), user)
        same = ("demo-app", "Demo-App@example.com")
        for basic in same:
            for user in same:
                self.assertEqual(self.curl("-u", f"{basic}:demo-app", header=token(user)), "200", (basic, user))
                self.assertEqual(self.curl("-u", f"{basic}:demo-app", header=sp_header(stamp, user=user)), "200")
                self.assertEqual(self.curl("--digest", "-u", f"{basic}:{SECRET}", header=token(user)), "200")
                self.assertEqual(self.curl(header=sp_header(stamp, user=basic) + token(user)), "200")
        # Each of them is right by itself.
        for options, header in ((("-u", "demo-app:demo-app"), token("alice")),
                                (("-u", "alice:alice"), token("demo-app")),
                                (("-u", "alice:alice"), sp_header(stamp)),
                                (("--digest", "-u", f"alice:{SECRET}"), sp_header(stamp)),
                                ((), sp_header(stamp) + token("alice"))):
            self.assertEqual(self.curl(*options, header=header), "401", (options, header))
        # A wrong one is not made good by a right one.
        self.assertEqual(self.curl("-u", "demo-app:demo-app", header=sp_header(stamp, secret="x")), "401")
        self.assertEqual(self.curl("-u", "demo-app:x", header=token("demo-app")), "401")

    def challenge(self):
        _, head, _ = soap(self.url, "chargeAmount", charge_parts())
        return re.findall(r"(?i)www-authenticate: (Digest .*)", head)

    def digest(self, nonce, count="00000001", algorithm="sha256", user="demo-app"):
        def hashed(*parts):
            return hashlib.new(algorithm, ":".join(parts).encode()).hexdigest()
        name = {"sha256": "SHA-256", "md5": "MD5"}[algorithm]
        response = hashed(hashed(user, "ledgerline", SECRET), nonce, count, "c", "auth", hashed("POST", "/ParlayX/"))
        AuthSchemes.count += 1
        return soap(self.url, "chargeAmount", charge_parts(reference=f"D{self.count}"), "-H",
                    f'Authorization: Digest username="{user}", realm="ledgerline", nonce="{nonce}", uri="/ParlayX/", '
                    f'qop=auth, algorithm={name}, nc={count}, cnonce="c", response="{response}"')[:2]

    def test_digest_by_default(self):
        """Without MD5; a nonce ends with its time, and with its user's secret."""
        challenge, = self.challenge()
        self.assertIn("SHA-256", challenge)
        nonce = re.search('nonce="([^"]+)"', challenge)[1]
        self.assertEqual(self.digest(nonce, algorithm="md5")[0], 401)
        self.assertEqual(self.digest(nonce, "00000002")[0], 200)
        time.sleep(NONCE_SECONDS)
        status, head = self.digest(nonce, "00000003")
        self.assertEqual(status, 401)
        self.assertIn("stale=true", head)

        self.command("user", "add", "brief", "--password-file", self.secret_file)
        self.command("user", "grant", "brief", "payment.charge", "example.com")
        self.command("user", "secret", "brief", "--password-file", self.secret_file)
        for end in (("secret", "brief", "--remove"), ("disable", "brief")):
            nonce = re.search('nonce="([^"]+)"', self.challenge()[0])[1]
            self.assertEqual(self.digest(nonce, user="brief")[0], 200)
            self.command("user", *end)
            status, head = self.digest(nonce, "00000002", user="brief")
            self.assertEqual(status, 401, end)
            self.assertNotIn("stale=true", head)
            self.command("user", "secret", "brief", "--password-file", self.secret_file)

    def test_who_guesses_at_many_logins_is_slowed_down_by_address(self):
        stamp = time_stamp("%Y%m%d%H%M%S")
        for guess in range(FAILURES_PER_ADDRESS):
            header = sp_header(stamp, user=f"user{guess}", secret="guess")
            self.assertEqual(self.curl("--interface", "127.0.0.2", header=header), "401")
        self.command("user", "add", "newcomer", "--password-file", self.secret_file)
        self.command("user", "grant", "newcomer", "payment.charge", "example.com")
        for right in (("-u", f"newcomer:{SECRET}"), ("--digest", "-u", f"demo-app:{SECRET}")):
            self.assertEqual(self.curl("--interface", "127.0.0.2", *right), "429", right)
        status, head, text = soap(self.url, "chargeAmount", charge_parts(), "--interface", "127.0.0.2", "-u",
                                  f"newcomer:{SECRET}")
        self.assertEqual(status, 429)
        self.assertIn("POL0001: A policy error occurred. Error code is too-many-failures", text)
        self.assertLessEqual(int(re.search(r"(?i)retry-after: (\d+)", head)[1]), WINDOW_SECONDS)
        # Others come from elsewhere, and what is remembered goes on from there, too.
        self.assertEqual(self.curl("-u", f"newcomer:{SECRET}"), "200")
        self.assertEqual(self.curl("--interface", "127.0.0.2", "-u", f"newcomer:{SECRET}"), "200")

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
