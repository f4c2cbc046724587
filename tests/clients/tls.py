#!/usr/bin/python3
"""HTTPS as Python's ssl module and the openssl program see it.

    tls.py LEDGERLINE
"""
import base64
import http.client
import json
import os
import pty
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from xml.etree import ElementTree

from demo_case import DemoCase
from server import Server

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
WAIT_SECONDS = 20
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"

CHARGE = """<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
<chargeAmount xmlns="http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local">
<endUserIdentifier>tel:+15550001</endUserIdentifier><charge><description>d</description><currency>EUR</currency>
<amount>1</amount></charge><referenceCode>R1</referenceCode></chargeAmount></e:Body></e:Envelope>"""

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
TOKEN = f"""<e:Header><w:Security xmlns:w="{WSSE}wssecurity-secext-1.0.xsd"><w:UsernameToken>
<w:Username>{{}}</w:Username><w:Password Type="{WSSE}username-token-profile-1.0#PasswordText">{{}}</w:Password>
</w:UsernameToken></w:Security></e:Header>"""


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=cwd, stdin=subprocess.DEVNULL)


def make_authority(folder, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", cwd=folder)


def make_certificate(folder, authority, name, file, alternative="DNS:localhost,IP:127.0.0.1", days=2):
    with open(os.path.join(folder, "extensions"), "w", encoding="utf-8") as extensions:
        extensions.write(f"subjectAltName={alternative}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{file}.key", "-out", f"{file}.csr", cwd=folder)
    openssl("x509", "-req", "-in", f"{file}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
            "-CAcreateserial", "-days", str(days), "-extfile", "extensions", "-out", f"{file}.pem", cwd=folder)


class Tls(DemoCase):
    """One server: plain on one port, TLS with optional client certificates on another."""

    program = LEDGERLINE

    @classmethod
    def start_server(cls):
        for authority in ("servers", "clients"):
            make_authority(cls.folder, authority)
        make_certificate(cls.folder, "servers", "first", "server")
        make_certificate(cls.folder, "clients", "partner", "partner", "DNS:partner")
        make_certificate(cls.folder, "servers", "stranger", "stranger", "DNS:stranger")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            cls.port = free.getsockname()[1]
        cls.settings = {"TLS_LISTEN": f"127.0.0.1:{cls.port}", "TLS_CERTIFICATE": cls.path("server.pem"),
                        "TLS_KEY": cls.path("server.key"), "TLS_CLIENT_CERTIFICATES": "optional",
                        "TLS_CLIENT_CA": cls.path("clients.pem"),
                        "HTTP_ACCESS_LOG": "false"}  # nobody reads the output while tests run
        super().start_server()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def context(self, certificate=None):
        context = ssl.create_default_context(cafile=self.path("servers.pem"))
        if certificate:
            context.load_cert_chain(self.path(f"{certificate}.pem"), self.path(f"{certificate}.key"))
        return context

    def connect(self, certificate=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(certificate),
                                                 timeout=WAIT_SECONDS)
        connection.connect()
        return connection

    @staticmethod
    def get(connection, target):
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, response.read().decode()

    @staticmethod
    def common_name(connection):
        return dict(pair[0] for pair in connection.sock.getpeercert()["subject"])["commonName"]

    def test_serves_soap_and_its_own_address(self):
        connection = self.connect()
        status, wsdl = self.get(connection, "/ParlayX/v2_1/AmountCharging?wsdl")
        self.assertEqual(status, 200)
        self.assertIn(f'location="https://127.0.0.1:{self.port}/ParlayX/v2_1/AmountCharging"', wsdl)
        connection.request("POST", "/ParlayX/", CHARGE, {"Authorization": "Basic ZGVtby1hcHA6ZGVtby1hcHA="})
        response = connection.getresponse()
        self.assertIn("chargeAmountResponse", response.read().decode())
        self.assertEqual(response.status, 200)

    def test_large_answers_and_slow_readers(self):
        connection = self.connect()
        one = self.get(connection, "/ParlayX/v2_1/AmountCharging?xsd=common")[1]
        # Pipelined, so that the socket's buffers fill up and every record is cut somewhere.
        request = b"GET /ParlayX/v2_1/AmountCharging?xsd=common HTTP/1.1\r\nHost: h\r\n\r\n"
        connection.sock.sendall(request * 500)
        received = b""
        while received.count(b"</xsd:schema>") < 500:
            piece = connection.sock.recv(1 << 20)
            self.assertTrue(piece, received[-200:])
            received += piece
        self.assertEqual(received.count(one.encode()), 500)

    def test_old_versions_and_plain_text_are_turned_away(self):
        old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_1", "-cipher",
                              "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=WAIT_SECONDS,
                             check=False)
        self.assertNotEqual(old.returncode, 0)
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_SECONDS) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            try:
                self.assertNotIn(b"200 OK", plain.recv(1000))
            except ConnectionResetError:
                pass
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=WAIT_SECONDS)
            self.assertEqual(self.get(connection, "/healthz")[0], 200)

    def test_client_certificates(self):
        self.assertEqual(self.get(self.connect("partner"), "/healthz")[0], 200)
        with self.assertRaises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            self.get(self.connect("stranger"), "/healthz")  # TLS 1.3 tells with the first read

    def ask(self, certificate, user=None, token=None):
        """Status and text of the answer to a charge: Basic as `user`, a UsernameToken of (login, password)."""
        headers = {"Content-Type": "text/xml"}
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{user}".encode()).decode()
        body = CHARGE.replace("<e:Body>", TOKEN.format(*token) + "<e:Body>") if token else CHARGE
        connection = self.connect(certificate)
        connection.request("POST", "/ParlayX/", body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def charge(self, certificate, user=None):
        return self.ask(certificate, user)[0]

    def test_a_certificate_says_who_it_is(self):
        def user(*arguments):
            done = subprocess.run([LEDGERLINE, "user", *arguments, "--data-dir", self.path("var")], text=True,
                                  capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0, done.stderr)
        shown = subprocess.run(["openssl", "x509", "-in", self.path("partner.pem"), "-noout", "-fingerprint", "-sha256"],
                               capture_output=True, text=True, check=True).stdout
        fingerprint = shown.strip().split("=")[1]
        self.assertEqual(self.charge("partner"), 401)  # valid, and nobody's
        self.assertEqual(self.charge("partner", "demo-app"), 200)
        user("certificate", "demo-app", fingerprint)
        deadline = time.monotonic() + WAIT_SECONDS
        while self.charge("partner") != 200:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.charge("partner", "demo-app"), 200)
        self.assertEqual(self.charge("partner", "alice"), 401)  # two principals
        self.assertEqual(self.charge(None), 401)
        self.check_certificate_and_token()
        user("certificate", "demo-app", fingerprint, "--remove")
        while self.charge("partner") != 401:
            self.assertLess(time.monotonic(), deadline)

    def check_certificate_and_token(self):
        """While the certificate is demo-app's: a UsernameToken beside it has to name demo-app, too."""
        for login in ("demo-app", "Demo-App@example.com"):
            status, text = self.ask("partner", token=(login, "demo-app"))
            self.assertEqual(status, 200, text)
            self.assertIn("chargeAmountResponse", text)
        # Alone, alice is known, and only not allowed this; beside the certificate she is somebody else.
        self.assertEqual(self.ask(None, token=("alice", "alice"))[0], 500)
        for token in (("alice", "alice"), ("demo-app", "wrong"), ("nobody", "demo-app")):
            status, text = self.ask("partner", token=token)
            self.assertEqual(status, 401, (token, text))
            fault = ElementTree.fromstring(text).find(f"{SOAP}Body/{SOAP}Fault")
            self.assertIsNotNone(fault, text)
            self.assertIn("not-authenticated", fault.findtext("faultstring"))
        # All three at once, then one of the three that differs.
        self.assertEqual(self.ask("partner", "demo-app", ("demo-app", "demo-app"))[0], 200)
        self.assertEqual(self.ask("partner", "demo-app", ("alice", "alice"))[0], 401)
        self.assertEqual(self.ask("partner", "alice", ("demo-app", "demo-app"))[0], 401)

    def test_sighup_reads_the_certificate_again(self):
        before = self.connect()
        self.assertEqual(self.common_name(before), "first")
        make_certificate(self.folder, "servers", "second", "server")
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + WAIT_SECONDS
        while self.common_name(self.connect()) != "second":
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.get(before, "/healthz")[0], 200)  # it keeps the one that it began with

        with open(self.path("server.pem"), "w", encoding="utf-8") as broken:
            broken.write("no certificate\n")
        self.server.process.send_signal(signal.SIGHUP)
        line = self.server.wait_for("stay as they were")  # the log comes with the server's output
        self.assertIn("server.pem", json.loads(line)["error"])
        self.assertEqual(self.common_name(self.connect()), "second")


class Mistakes(unittest.TestCase):
    def test_files_that_are_missing_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            environment = dict(os.environ, LEDGERLINE_TLS_LISTEN="127.0.0.1:0", LEDGERLINE_TLS_CERTIFICATE="/no/such",
                               LEDGERLINE_TLS_KEY="/no/key", LEDGERLINE_CALLBACKS_CA_FILE="/no/ca", LEDGERLINE_SIP_USER="us",
                               LEDGERLINE_SIP_PASSWORD_FILE="/no/password")
            done = subprocess.run([LEDGERLINE, "check-config"], cwd=folder, env=environment, capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            for line, (setting, path) in zip(done.stderr.splitlines(), (("[tls]", "'/no/such'"), ("ca_file", "'/no/ca'"),
                                                                        ("sip.password_file", "'/no/password'")),
                                             strict=True):
                self.assertIn(setting, line)
                self.assertIn(path, line)

    def test_nobody_is_asked_for_a_passphrase(self):
        """On a terminal OpenSSL asks there, and whoever waits for it, a server that reads its files again, hears nothing."""
        with tempfile.TemporaryDirectory() as folder:
            make_authority(folder, "servers")
            make_certificate(folder, "servers", "first", "server")
            key = os.path.join(folder, "encrypted.key")
            openssl("ec", "-in", "server.key", "-aes256", "-passout", "pass:secret", "-out", key, cwd=folder)
            environment = dict(os.environ, LEDGERLINE_TLS_LISTEN="127.0.0.1:0", LEDGERLINE_TLS_KEY=key,
                               LEDGERLINE_TLS_CERTIFICATE=os.path.join(folder, "server.pem"))
            child, terminal = pty.fork()
            if child == 0:
                os.execve(LEDGERLINE, [LEDGERLINE, "check-config"], environment)
            self.addCleanup(os.close, terminal)
            shown = b""
            try:
                while b"\n" not in shown:
                    ready = select.select([terminal], [], [], WAIT_SECONDS)[0]
                    self.assertTrue(ready, f"it waits for somebody: {shown}")
                    shown += os.read(terminal, 1000)
            finally:
                os.kill(child, signal.SIGKILL)  # it has ended, but where it hangs
                os.waitpid(child, 0)
            self.assertEqual(shown.decode().strip(),
                             f"[tls] the private key '{key}' is encrypted; write it without a passphrase")

    def test_an_expired_certificate_is_named_and_served(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            make_authority(folder, "servers")
            make_certificate(folder, "servers", "old", "server", days=-1)
            path = os.path.join(folder, "server.pem")
            environment = dict(os.environ, LEDGERLINE_TLS_LISTEN="127.0.0.1:0", LEDGERLINE_TLS_CERTIFICATE=path,
                               LEDGERLINE_TLS_KEY=os.path.join(folder, "server.key"))
            done = subprocess.run([LEDGERLINE, "check-config"], cwd=folder, env=environment, capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"[tls] the certificate has expired: '{path}'", done.stderr)
            server = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0", "--sip-listen", ""], folder,
                            environment)
            server.wait_for("the certificate has expired")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("read the certificates again")
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.output.count("the certificate has expired"), 2, server.output)

    def test_a_server_whose_certificate_is_missing_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            environment = dict(os.environ, LEDGERLINE_TLS_LISTEN="127.0.0.1:0", LEDGERLINE_TLS_CERTIFICATE="/no/such",
                               LEDGERLINE_TLS_KEY="/no/key")
            done = subprocess.run([LEDGERLINE, "serve", "--listen", "127.0.0.1:0", "--sip-listen", "127.0.0.1:0"],
                                  cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
            self.assertIn("'/no/such'", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
