#!/usr/bin/python3
"""What operators set of the front end, as clients see it; and which part of the server /readyz names.

    front_end.py LEDGERLINE
"""
import base64
import os
import re
import socket
import sys
import time
import unittest
import urllib.error
import urllib.request
from contextlib import contextmanager

from demo_case import DemoCase
from server import PSQL, Server, locked, run, server_info, sql

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
WAIT_SECONDS = 60
SOAP_LIMITS = {"DEPTH_LIMIT": "8", "ELEMENTS_LIMIT": "20", "ATTRIBUTES_LIMIT": "8", "TEXT_LIMIT": "150B",
               "NAME_LIMIT": "256B"}
SETTINGS = {**{f"SOAP_{name}": value for name, value in SOAP_LIMITS.items()},
            "SOAP_IGNORE_UNKNOWN_OF": "shop", "HTTP_OVERLOAD_STATUS": "500", "HTTP_INFLIGHT_LIMIT": "1",
            "HTTP_PUBLIC_DESCRIPTIONS": "false",
            "HTTP_PUBLIC_URL": "https://pay.example.com", "SERVER_HEALTH_LISTEN": "127.0.0.1:0"}
PROBES = ("/healthz", "/readyz", "/metrics")
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
NAMESPACE = "http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local"


def charge(more="", description="d", reference="F", attributes="", header=""):
    return (f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>{header}</e:Header><e:Body>'
            f'<c:chargeAmount xmlns:c="{NAMESPACE}">'
            f"<c:endUserIdentifier{attributes}>tel:+15550001</c:endUserIdentifier><c:charge><description>{description}"
            "</description><currency>EUR</currency><amount>0.01</amount></c:charge>"
            f"<c:referenceCode>{reference}</c:referenceCode>{more}</c:chargeAmount></e:Body></e:Envelope>")


class FrontEnd(DemoCase):
    program = LEDGERLINE
    settings = SETTINGS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.health = re.search(r"Health +(\S+)/readyz", cls.server.output)[1]
        secret = os.path.join(cls.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("shop")
        cls.command("user", "add", "shop", "--password-file", secret)
        cls.command("user", "grant", "shop", "payment.charge", "example.com")

    def ask(self, path, body=None, user=None):
        """Status, headers and body."""
        return self.ask_at(self.health if path in PROBES else self.url, path, body, user)

    @staticmethod
    def ask_at(url, path, body=None, user=None):
        request = urllib.request.Request(url + path, body.encode() if body else None)
        if body:
            request.add_header("Content-Type", "text/xml; charset=utf-8")
        if user:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{user}".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.headers, refusal.read().decode()

    def post(self, body, user="demo-app"):
        return self.ask("/ParlayX/", body, user)

    def asked(self, body):
        """A connection on which a request was sent, whose answer nobody waits for yet."""
        host, port = self.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)
        connection.sendall(b"POST /ParlayX/ HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n"
                           b"Authorization: Basic %s\r\n\r\n%s"
                           % (len(body), base64.b64encode(b"demo-app:demo-app"), body.encode()))
        return connection

    def test_probes_have_a_listener_of_their_own(self):
        for path in PROBES:
            self.assertEqual(self.ask_at(self.health, path)[0], 200)
            self.assertEqual(self.ask_at(self.url, path)[0], 404)
        self.assertEqual(self.ask_at(self.health, "/ParlayX/", charge(), "demo-app")[0], 404)

    def test_limits_of_messages(self):
        self.assertEqual(self.post(charge(description="d" * 150))[0], 200)
        self.assertEqual(self.post(charge(header="<x>" * 6 + "</x>" * 6))[0], 200)
        for crossed, text in ((charge(header="<x>" * 7 + "</x>" * 7), "deep"), (charge(header="<x/>" * 20), "elements"),
                              (charge(attributes="".join(f' a{n}="1"' for n in range(9))), "attributes"),
                              (charge(description="d" * 151), "more than 150 bytes"),
                              (charge("<" + "n" * 257 + "/>"), "name"),
                              (charge(attributes=' a="' + "v" * 257 + '"'), "value")):
            with self.subTest(text):
                status, _, body = self.post(crossed)
                self.assertEqual(status, 500, body)
                self.assertIn("Client</faultcode>", body)
                self.assertIn(text, body)

    def test_a_port_of_sip_that_is_taken_is_told(self):
        folder = os.path.join(self.folder, "second")
        os.mkdir(folder)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            second = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0", "--sip-listen",
                             f"127.0.0.1:{taken.getsockname()[1]}"], folder)
            try:
                with self.assertRaises(urllib.error.HTTPError) as refusal:
                    urllib.request.urlopen(server_info(os.path.join(folder, "var"))["url"] + "/readyz", timeout=WAIT_SECONDS)
                with refusal.exception as answer:
                    self.assertEqual(answer.code, 503)
                    self.assertRegex(answer.read().decode(), r"^not ready\n(?s:.*)lanes: ok\nsip: (?!ok).+\n$")
            finally:
                self.assertEqual(second.stop(), 0, second.output)

    def test_unknown_elements_of_one_application(self):
        unknown = charge("<c:vendorInfo><deep>1</deep></c:vendorInfo>", reference="unknown")
        self.assertEqual(self.post(unknown, "shop")[0], 200)
        status, _, body = self.post(unknown)
        self.assertEqual(status, 500)
        self.assertRegex(body, "SVC0002.*vendorInfo")

    def test_unknown_elements_of_an_application_that_the_message_itself_names(self):
        unknown = "<c:vendorInfo><deep>1</deep></c:vendorInfo>"
        for user, password, expected, text in (("shop", "shop", 200, "chargeAmountResponse"),
                                               ("demo-app", "demo-app", 500, "SVC0002.*vendorInfo"),
                                               ("shop", "wrong", 401, "not-authenticated")):
            token = (f'<w:Security xmlns:w="{WSSE}"><w:UsernameToken><w:Username>{user}</w:Username><w:Password>'
                     f"{password}</w:Password></w:UsernameToken></w:Security>")
            status, _, body = self.post(charge(unknown, reference="token", header=token), None)
            self.assertEqual(status, expected, body)
            self.assertRegex(body, text)

    def test_overload_has_the_status_that_old_clients_read(self):
        with locked(self.data_dir, "select from ledger.shard for update") as holder:
            with self.asked(charge(reference="waits")) as waiting:
                self.wait_for(lambda: self.post(charge(reference="refused"))[2], "SVC0001")
                status, headers, answer = self.post(charge(reference="refused"))
                self.assertEqual([self.ask(path)[0] for path in PROBES], [200] * len(PROBES))
                holder.stdin.close()
                self.assertEqual(status, 500)
                self.assertIn("Retry-After", headers)
                self.assertRegex(answer, "faultstring>SVC0001.*overloaded")
                self.assertIn(b" 200 ", waiting.recv(65536))

    def test_descriptions_are_closed_and_name_the_public_address(self):
        for path in ("/ParlayX/", "/ParlayX/v2_1/AmountCharging?wsdl", "/ParlayX/v2_1/AmountCharging?xsd=local"):
            status, headers, _ = self.ask(path)
            self.assertEqual(status, 401)
            self.assertIn("Basic", headers["WWW-Authenticate"])
            self.assertEqual(self.ask(path, user="shop")[0], 200)
        self.assertIn('location="https://pay.example.com/ParlayX/v2_1/AmountCharging"',
                      self.ask("/ParlayX/v2_1/AmountCharging?wsdl", user="shop")[2])

    def test_the_log_has_the_id_of_each_answer(self):
        for body, user in ((charge(), "demo-app"), (charge(), "nobody"), ("<x/>", "demo-app")):
            line = self.server.wait_for(self.post(body, user)[1]["X-Request-Id"])
            self.assertIn("request", line)

    def wait_for(self, look, pattern):
        deadline = time.monotonic() + WAIT_SECONDS
        while not re.search(pattern, seen := look(), re.DOTALL):
            self.assertLess(time.monotonic(), deadline, f"{pattern} is not in {seen}")
            time.sleep(0.1)

    def ready(self):
        status, _, body = self.ask("/readyz")
        return f"{status} {body}"

    @contextmanager
    def without_connections(self):
        """PostgreSQL takes nobody into the ledger's database, and nobody is left there."""
        def postgres(statement):
            folder = os.path.realpath(os.path.join(self.data_dir, "socket"))
            _, errors, status = run([PSQL, "-XqAt", "-h", folder, "-U", "postgres", "-d", "postgres", "-c", statement])
            self.assertEqual(status, 0, errors)

        postgres("alter database ledgerline allow_connections false")
        try:
            postgres("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'ledgerline'")
            yield
        finally:
            postgres("alter database ledgerline allow_connections true")

    def test_readiness_names_the_part(self):
        all_is_well = r"^200 ready\nserver: ok\ndatabase: ok\nschema: ok\nlanes: ok\nsip: ok\n$"
        self.wait_for(self.ready, all_is_well)
        last = sql(self.data_dir, "select max(number) from ledger_migration.applied", "postgres")[0]
        sql(self.data_dir, f"update ledger_migration.applied set number = -number where number = {last}", "postgres")
        self.wait_for(self.ready, rf"^503 not ready\n.*schema: at {int(last) - 1}, but this program needs {last}\nlanes: ok")
        sql(self.data_dir, f"update ledger_migration.applied set number = -number where number = -{last}", "postgres")
        self.wait_for(self.ready, all_is_well)
        self.assertEqual(self.post(charge(reference="before"))[0], 200)
        with self.without_connections(), self.asked(charge(reference="during")) as waiting:
            self.wait_for(self.ready, r"^503 not ready\n.*database: does not do what it is asked; the log says why\n"
                          r".*lanes: not all have reached the database")
            self.assertEqual(self.ask("/healthz")[0], 200)
            waiting.recv(65536)  # asks to come again
        self.wait_for(self.ready, all_is_well)
        self.assertEqual(self.post(charge(reference="after"))[0], 200)


if __name__ == "__main__":
    unittest.main()
