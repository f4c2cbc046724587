#!/usr/bin/python3
"""Each limit of [server] and [http] over the wire: set small, crossed, and what the client then sees.

    http_limits.py LEDGERLINE SOURCE_DIR

A limit of [http] without a test here is a failure.
"""
import base64
import os
import re
import signal
import socket
import sys
import time
import unittest
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from demo_case import DemoCase
from server import locked

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
SOURCE_DIR = os.path.abspath(sys.argv.pop(1))
LIMITS = {"header_limit": "2kB", "body_limit": "2kB", "connections_limit": "8", "connections_per_address": "4",
          "requests_per_connection": "1000", "inflight_limit": "1", "idle_timeout": "1s", "read_timeout": "1s",
          "write_timeout": "1s", "linger_timeout": "2s", "linger_limit": "64kB", "retry_after": "7s",
          "compress_from": "600B"}
STOP_SECONDS = 1
AUTHORIZATION = b"Authorization: Basic " + base64.b64encode(b"demo-app:demo-app") + b"\r\n"
BODY = b"""<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
<c:chargeAmount xmlns:c="http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local">
<c:endUserIdentifier>tel:+15550001</c:endUserIdentifier><c:charge><description>d</description><currency>EUR</currency>
<amount>0.01</amount></c:charge><c:referenceCode>same</c:referenceCode></c:chargeAmount></e:Body></e:Envelope>"""


def post(body=BODY, headers=b"", length=None):
    return (b"POST /ParlayX/ HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\n" + AUTHORIZATION + headers +
            b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body)


def answer_on(connection):
    """Status, headers and body of the next answer; None when there is none."""
    received = b""
    while True:
        head, ended, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if ended and len(body) >= int(length[1] if length else 0):
            return int(head.split()[1]), head, body
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            return None
        received += piece


class HttpLimits(DemoCase):
    program = LEDGERLINE
    settings = {**{f"HTTP_{name.upper()}": value for name, value in LIMITS.items()},
                "SERVER_STOP_TIMEOUT": f"{STOP_SECONDS}s"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = urlsplit(cls.url).port

    @classmethod
    def stop_server(cls):
        if cls.server.process.poll() is None:
            super().stop_server()

    def connect(self, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(source, 0))

    def ask(self, request, source="127.0.0.1"):
        with self.connect(source) as connection:
            connection.sendall(request)
            return answer_on(connection)

    def refused(self, answer, status, text):
        self.assertIsNotNone(answer)
        self.assertEqual(answer[0], status, answer)
        self.assertIn(b"Fault>", answer[2])
        self.assertIn(text, answer[2])

    def settled(self):
        """Connections that others closed are forgotten."""
        deadline = time.monotonic() + 30
        while True:
            answer = self.ask(post())
            if answer and answer[0] == 200:
                return
            self.assertLess(time.monotonic(), deadline, answer)

    @contextmanager
    def stuck(self):
        """Charges wait in the database meanwhile."""
        with locked(self.data_dir, "select from ledger.shard for update"):
            yield

    def test_every_limit_is_here(self):
        with open(os.path.join(SOURCE_DIR, "etc", "ledgerline.toml"), encoding="utf-8") as file:
            section = re.search(r"^\[http\]\n(.*?)^\[", file.read(), re.DOTALL | re.MULTILINE)[1]
        named = set(re.findall(r"^(\w+(?:_limit|_timeout|_per_\w+|_after|_from)) =", section, re.MULTILINE))
        self.assertEqual(named, set(LIMITS))
        for name in LIMITS:
            self.assertTrue(hasattr(self, f"test_{name}"), name)

    def test_header_limit(self):
        self.assertEqual(self.ask(post(headers=b"A: " + b"x" * 1000 + b"\r\n"))[0], 200)
        self.refused(self.ask(post(headers=b"A: " + b"x" * 2100 + b"\r\n")), 431, b"header")

    def test_body_limit(self):
        self.assertEqual(self.ask(post(BODY + b" " * (2048 - len(BODY))))[0], 200)
        self.refused(self.ask(post(BODY + b" " * (2049 - len(BODY)))), 413, b"larger")

    def test_connections_per_address(self):
        with ExitStack() as stack:
            self.settled()
            for _ in range(4):
                stack.enter_context(self.connect("127.0.0.2"))
            self.refused(self.ask(post(), "127.0.0.2"), 503, b"SVC0001")
            self.assertEqual(self.ask(post(), "127.0.0.3")[0], 200)
        self.settled()

    def test_connections_limit(self):
        with ExitStack() as stack:
            self.settled()
            for number in range(8):
                stack.enter_context(self.connect(f"127.0.0.{4 + number // 4}"))
            self.refused(self.ask(post(), "127.0.0.7"), 503, b"SVC0001")
        self.settled()

    def test_requests_per_connection(self):
        with self.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" * 1001)
            received = b""
            while piece := connection.recv(65536):
                received += piece
            self.assertEqual(received.count(b"HTTP/1.1 200 "), 1000)
            self.assertEqual(received.count(b"Connection: close"), 1)

    def test_inflight_limit(self):
        with self.connect() as waiting:
            with self.stuck():
                waiting.sendall(post())
                deadline = time.monotonic() + 30
                while (answer := self.ask(post()))[0] != 503:  # the other is not there yet, or this one was served
                    self.assertLess(time.monotonic(), deadline)
                self.refused(answer, 503, b"SVC0001")
            self.assertEqual(answer_on(waiting)[0], 200)

    def test_retry_after(self):
        with self.connect() as waiting, self.stuck():
            waiting.sendall(post())
            deadline = time.monotonic() + 30
            while (answer := self.ask(post()))[0] != 503:
                self.assertLess(time.monotonic(), deadline)
            self.assertIn(b"Retry-After: 7\r\n", answer[1] + b"\r\n")

    def test_idle_timeout(self):
        with self.connect() as connection:
            connection.sendall(post())
            answer_on(connection)
            started = time.monotonic()
            self.assertEqual(connection.recv(1), b"")
            self.assertGreater(time.monotonic() - started, 0.5)

    def test_read_timeout(self):
        for part in (post()[:30], post()[:-20]):
            with self.connect() as connection:
                connection.sendall(part)
                self.refused(answer_on(connection), 408, b"Client")

    def test_write_timeout(self):
        """Of somebody who asks on and on and reads nothing; no answer reaches whoever does not read."""
        with self.connect() as connection:
            connection.settimeout(0.2)
            request, sent = b"GET /ParlayX/v2_1/AmountCharging?wsdl HTTP/1.1\r\nHost: h\r\n\r\n", 0
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                try:
                    sent += connection.send(request * 900 if not sent else b"G")
                    time.sleep(0.1)
                except TimeoutError:
                    continue
                except OSError:
                    return  # cut
        self.fail("a client that reads nothing was served for ever")

    def flood(self, pause):
        """How much a refused client could send, and for how long."""
        with self.connect() as connection:
            connection.sendall(post(b"", length=1 << 30))
            started, sent = time.monotonic(), 0
            try:
                while time.monotonic() < started + 30:
                    sent += connection.send(b"x" * 4096)
                    time.sleep(pause)
            except OSError:
                pass
            return sent, time.monotonic() - started

    def test_linger_limit(self):
        sent, seconds = self.flood(pause=0.02)
        self.assertGreaterEqual(sent, 64 << 10)
        self.assertLess(seconds, 1.9)  # not because of the time

    def test_linger_timeout(self):
        sent, seconds = self.flood(pause=0.3)
        self.assertLess(sent, 64 << 10)
        self.assertGreater(seconds, 1.5)
        self.assertLess(seconds, 20)

    def test_compress_from(self):
        small = self.ask(post(headers=b"Accept-Encoding: gzip\r\n"))
        large = self.ask(b"GET /ParlayX/ HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n")
        self.assertLess(len(small[2]), 600)
        self.assertNotIn(b"gzip", small[1])
        self.assertIn(b"Content-Encoding: gzip", large[1])

    def test_zz_stop_timeout(self):
        """Of [server]; last, because it is the end."""
        with self.connect() as waiting, self.stuck():
            waiting.sendall(post())
            while self.ask(post())[0] != 503:
                pass
            self.server.process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            self.assertIsNone(answer_on(waiting))
            self.assertGreater(time.monotonic() - started, STOP_SECONDS * 0.8)
        self.server.process.wait(timeout=60)


if __name__ == "__main__":
    unittest.main()
