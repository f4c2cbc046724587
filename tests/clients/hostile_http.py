#!/usr/bin/python3
"""What nobody well-meaning sends: each gets its fault in under a second, and the server's memory stays where it was.

    hostile_http.py LEDGERLINE
"""
import base64
import os
import re
import socket
import sys
import time
import unittest
from urllib.parse import urlsplit

from demo_case import DemoCase

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
ANSWER_SECONDS = 1.0
MEMORY_GROWTH_MAX = 64 << 20

AUTHORIZATION = b"Authorization: Basic " + base64.b64encode(b"demo-app:demo-app") + b"\r\n"
NAMESPACE = "http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local"
START = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
END = "</e:Body></e:Envelope>"


def charge(description="d", more=""):
    return (f'{START}<chargeAmount xmlns="{NAMESPACE}"><endUserIdentifier>tel:+15550001</endUserIdentifier><charge>'
            f"<description>{description}</description><currency>EUR</currency><amount>1</amount></charge>"
            f"<referenceCode>H</referenceCode>{more}</chargeAmount>{END}")


class Hostile(DemoCase):
    program = LEDGERLINE
    settings = {"HTTP_READ_TIMEOUT": "700ms", "HTTP_WRITE_TIMEOUT": "700ms", "HTTP_CONNECTIONS_PER_ADDRESS": "20",
                "HTTP_INFLIGHT_LIMIT": "64"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = urlsplit(cls.url).port
        cls.exchange(cls.post(charge().encode()))  # caches and pools have their size from here on
        cls.memory = cls.resident()

    @classmethod
    def tearDownClass(cls):
        growth = cls.resident() - cls.memory
        super().tearDownClass()
        assert growth < MEMORY_GROWTH_MAX, f"the server has grown by {growth} bytes"

    @classmethod
    def resident(cls):
        with open(f"/proc/{cls.server.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) * 1024

    @classmethod
    def connect(cls, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", cls.port), timeout=10, source_address=(source, 0))

    @classmethod
    def post(cls, body, headers=b"", length=None):
        return (b"POST /ParlayX/ HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\n" + AUTHORIZATION + headers +
                f"Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body)

    @classmethod
    def exchange(cls, request):
        """The first answer on a new connection, and how long it took from the last byte that was sent."""
        with cls.connect() as connection:
            try:
                connection.sendall(request)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of it was read
            started = time.monotonic()
            received = b""
            while True:
                head, _, body = received.partition(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                if length and len(body) >= int(length.group(1)):
                    return int(head.split()[1]), body.decode(), time.monotonic() - started
                piece = connection.recv(65536)
                if not piece:
                    raise AssertionError(f"closed after {received!r}")
                received += piece

    def refused(self, request, status, text):
        got, body, seconds = self.exchange(request)
        self.assertEqual(got, status, body)
        self.assertIn("Fault>", body)
        self.assertIn(text, body)
        self.assertLess(seconds, ANSWER_SECONDS)

    def refused_body(self, body, text):
        self.refused(self.post(body if isinstance(body, bytes) else body.encode()), 500, text)

    def test_document_types_of_any_kind(self):
        bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
        for declaration in ("<!DOCTYPE e>", '<!DOCTYPE e SYSTEM "http://127.0.0.1:1/x.dtd">',
                            '<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
                            f'<!DOCTYPE e [<!ENTITY e0 "ha">{bomb}]>', "<!doctype e>",
                            '<!DOCTYPE e [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>'):
            with self.subTest(declaration):
                self.refused_body(declaration + charge("&e9;"), "document type")
                self.refused_body((declaration + charge()).encode("utf-16"), "document type")
        self.refused_body(charge("&x;"), "Client")
        self.refused_body(charge("&#0;"), "Client")

    def test_too_much_of_everything(self):
        self.refused_body(charge(more="<a>" * 100_000), "elements")
        self.refused_body(charge(more="<a>" * 1000 + "</a>" * 1000), "Client")
        self.refused_body(charge(more="<a " + " ".join(f'a{n}="1"' for n in range(10_000)) + "/>"), "attributes")
        self.refused_body(charge("x" * 500_000), "bytes")
        self.refused_body(charge(more=f"<{'n' * 5000}/>"), "name")

    def test_text_that_is_none(self):
        for broken in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x00", b"\xe2\x82"):
            self.refused_body(charge("@").encode().replace(b"@", broken), "Client")
        self.refused_body(b"", "Client")
        self.refused_body(charge().encode("utf-16")[:-1], "UTF-16")
        self.refused_body(b"\x89PNG\r\n\x1a\n" + os.urandom(5000), "Client")

    def test_bodies_without_end(self):
        self.refused(self.post(b"x", length=1 << 30), 413, "larger")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        head = b"POST /ParlayX/ HTTP/1.1\r\nHost: h\r\n" + AUTHORIZATION + b"Transfer-Encoding: chunked\r\n\r\n"
        self.refused(head + chunk * 40, 413, "larger")
        for broken in (b"zz\r\n", b"-1\r\n", b"5\r\nabcdefgh\r\n", b"ffffffffffffffffff\r\n"):
            self.refused(head + broken, 400, "malformed")
        self.refused(head + b"5;" + b"x" * 100_000, 431, "header")

    def test_many_bodies_that_never_end(self):
        """Together they take no more than eight of the longest; short ones are read meanwhile."""
        body = b"x" * ((1 << 20) - 1)
        deadline = time.monotonic() + 30
        answers, source = b"", 10
        while b" 503 " not in answers:
            self.assertLess(time.monotonic(), deadline, answers)
            connections = [self.connect(f"127.0.0.{source}") for _ in range(16)]
            source += 1  # an address of which no connection is left
            for connection in connections:
                try:
                    connection.sendall(self.post(body, length=1 << 20))
                except OSError:
                    pass  # refused
            self.assertEqual(self.exchange(self.post(charge().encode()))[0], 200)
            for connection in connections:
                with connection:
                    answers += self.what_came(connection)
        self.assertIn(b"SVC0001", answers)

    @staticmethod
    def what_came(connection):
        try:
            return connection.recv(65536)
        except OSError:
            return b""

    def test_headers_without_end(self):
        self.refused(b"POST /ParlayX/ HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 100_000, 431, "header")
        self.refused(b"POST /ParlayX/" + b"x" * 100_000, 431, "header")
        self.refused(b"POST /ParlayX/ HTTP/1.1\r\nHost: h\r\nA: " + b"x" * 100_000, 431, "header")

    def test_requests_that_two_readers_would_end_elsewhere(self):
        body = charge().encode()
        for headers in (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 4\r\n",
                        b"Content-Length : 4\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                        b"Content-Length: +4\r\n", b"Transfer-Encoding: \x0bchunked\r\n",
                        b"Transfer-Encoding: chunked, identity\r\n", b"Host: other\r\n"):
            with self.subTest(headers):
                got, answer, seconds = self.exchange(self.post(body, headers))
                self.assertIn(got, (400, 501), answer)
                self.assertIn("Fault>", answer)
                self.assertLess(seconds, ANSWER_SECONDS)

    def test_slow_clients_are_told_and_closed(self):
        for part in (b"POST /ParlayX/ HT", self.post(charge().encode())[:-20]):
            with self.connect() as connection:
                connection.sendall(part)
                answer = b""
                started = time.monotonic()
                while piece := connection.recv(65536):
                    answer += piece
                self.assertIn(b" 408 ", answer)
                self.assertIn(b"Fault>", answer)
                self.assertLess(time.monotonic() - started, 5)

    def test_readers_that_do_not_read_are_cut(self):
        with self.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(0.2)
            request = b"GET /ParlayX/v2_1/AmountCharging?wsdl HTTP/1.1\r\nHost: h\r\n\r\n" * 100
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline:
                try:
                    connection.sendall(request)
                except TimeoutError:
                    continue
                except OSError:
                    return  # cut
            self.fail("a client that reads nothing was served for ever")

    def test_an_address_has_so_many_connections(self):
        connections = [self.connect() for _ in range(30)]
        try:
            answers = []
            for connection in connections[25:]:
                connection.sendall(self.post(charge().encode()))
                answers.append(connection.recv(65536))
            self.assertTrue(any(b" 503 " in a and b"Retry-After" in a and b"SVC0001" in a for a in answers), answers)
        finally:
            for connection in connections:
                connection.close()
        deadline = time.monotonic() + 10
        while True:
            try:
                self.assertEqual(self.exchange(self.post(charge().encode()))[0], 200)
                return
            except (AssertionError, OSError):
                self.assertLess(time.monotonic(), deadline)


if __name__ == "__main__":
    unittest.main()
