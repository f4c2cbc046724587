#!/usr/bin/python3
"""Requests as real clients put them on the wire, byte for byte: quirks/*.http, each with where it comes from.

    quirks.py LEDGERLINE

A file begins with what is known and expected:

    # From: …              which client
    # Expect: 200 TEXT     the status of the answer, and what stands in it
    # Answer: TYPE         the answer's content type; text/xml if nothing is said
    # Body: gzip|chunked   how the body goes
    # Charset: NAME        of the body; utf-8 if nothing is said
    # Lines: CRLF          of the body, as MIME has them; LF if nothing is said
    # Waits: 100           the body is sent after 100 Continue
    # Then: closed         the server closes the connection; otherwise it stays open

and then the request, with {host}, {basic}, {length}, {ref} (new each time), {now} and {later} filled in.
"""
import base64
import datetime
import glob
import gzip
import os
import socket
import sys
import unittest
from urllib.parse import urlsplit

from demo_case import DemoCase

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
FILES = sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "quirks", "*.http")))
WAIT_SECONDS = 20
BASIC = base64.b64encode(b"demo-app:demo-app").decode()


def stamp(minutes):
    time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class Quirk:
    """A file, taken apart."""

    def __init__(self, path):
        with open(path, encoding="utf-8", newline="\n") as file:
            notes, _, request = file.read().partition("\n\n")
        self.name = os.path.basename(path).removesuffix(".http")
        self.notes = dict(line.removeprefix("# ").split(": ", 1) for line in notes.splitlines())
        self.head, _, self.body = request.removesuffix("\n").partition("\n\n")

    def request(self, host):
        """Head and body as they are sent."""
        values = {"host": host, "basic": BASIC, "ref": f"quirk-{self.name}", "now": stamp(0), "later": stamp(10)}
        body = self.fill(self.body, values).encode(self.notes.get("Charset", "utf-8"))
        if self.notes.get("Lines") == "CRLF":
            body = body.replace(b"\n", b"\r\n")
        if self.notes.get("Body") == "gzip":
            body = gzip.compress(body)
        values["length"] = str(len(body))
        if self.notes.get("Body") == "chunked":
            half = len(body) // 2
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:], b""))
        head = self.fill(self.head, values).replace("\n", "\r\n") + "\r\n\r\n"
        return head.encode(), body

    @staticmethod
    def fill(text, values):
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text


class Quirks(DemoCase):
    program = LEDGERLINE
    sip_listen = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        address = urlsplit(cls.url)
        cls.address, cls.host = (address.hostname, address.port), address.netloc

    @staticmethod
    def answer(stream):
        """Status, headers and body of one answer."""
        status = int(stream.readline().split()[1])
        headers = {}
        while (line := stream.readline().rstrip()):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = ", ".join(filter(None, (headers.get(name.lower()), value.strip())))
        body = stream.read(int(headers.get("content-length", 0)))
        return status, headers, gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body

    def play(self, quirk):
        """The answer to a quirk, and what the connection is good for afterwards."""
        head, body = quirk.request(self.host)
        with socket.create_connection(self.address, timeout=WAIT_SECONDS) as connection:
            stream = connection.makefile("rb")
            connection.sendall(head)
            if quirk.notes.get("Waits") == "100":
                self.assertEqual(self.answer(stream)[0], 100)
            connection.sendall(body)
            answer = self.answer(stream)
            if quirk.notes.get("Then") == "closed" or b"close" in head.lower():
                self.assertEqual(stream.read(), b"")
            else:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertEqual(self.answer(stream)[0], 200)
            return answer

    def test_quirks(self):
        self.assertGreater(len(FILES), 20)
        for quirk in map(Quirk, FILES):
            with self.subTest(quirk.name, comes_from=quirk.notes["From"]):
                expected, _, text = quirk.notes["Expect"].partition(" ")
                status, headers, body = self.play(quirk)
                self.assertEqual(status, int(expected), body)
                self.assertIn(text, body.decode())
                self.assertTrue(headers["content-type"].startswith(quirk.notes.get("Answer", "text/xml")), headers)
                self.assertIn("x-request-id", headers)
                if status == 401:
                    self.assertIn("Basic", headers["www-authenticate"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
