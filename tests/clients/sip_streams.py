#!/usr/bin/python3
"""SIP peers that take what there is of a server: connections that say nothing, or that are too many, heads of messages
that cost more than they seem to, and challenges for somebody else.

    sip_streams.py LEDGERLINE
"""
import contextlib
import itertools
import os
import socket
import sys
import time
import unittest

from call_case import CallCase
from sip_user import SipUser

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
IDLE_SECONDS = 2
T1_SECONDS = 0.5
LIMIT, LIMIT_PER_ADDRESS = 8, 4
ALIVE_SECONDS = 2
LINES = 256  # of a head
MEMORY_MB = 32


def options(number, transport="TCP", headers=()):
    lines = ["OPTIONS sip:127.0.0.1 SIP/2.0", f"Via: SIP/2.0/{transport} 127.0.0.1:9;rport;branch=z9hG4bK{number}",
             "From: <sip:a@outside.example>;tag=a", "To: <sip:127.0.0.1>", f"Call-ID: streams-{number}",
             f"CSeq: {number} OPTIONS", "Max-Forwards: 70", *headers]
    return "\r\n".join([*lines, "Content-Length: 0"]).encode() + b"\r\n\r\n"


def head_of(lines, transport="TCP"):
    """A request whose first line and headers are so many lines."""
    return options(1, transport, ["k: a"] * (lines - options(1).count(b"\r\n") + 1))


class SipStreams(CallCase):
    program = LEDGERLINE
    settings = {"SIP_IDLE_TIMEOUT": f"{IDLE_SECONDS}s", "SIP_CONNECTIONS_LIMIT": str(LIMIT),
                "SIP_CONNECTIONS_PER_ADDRESS": str(LIMIT_PER_ADDRESS), "SIP_EXPIRES_MIN": "1s", "LOG_LEVEL": "error"}

    numbers = itertools.count(2)

    def setUp(self):
        super().setUp()
        self.address = ("127.0.0.1", self.sip_port)
        self.open = contextlib.ExitStack()
        self.addCleanup(self.all_closed)

    def all_closed(self):
        """The next test begins with none."""
        self.open.close()
        time.sleep(IDLE_SECONDS / 2)

    def connect(self, source="127.0.0.1"):
        stream = self.open.enter_context(socket.create_connection(self.address, 10, (source, 0)))
        stream.settimeout(10)
        return stream

    def is_served(self, stream):
        """OPTIONS is answered."""
        try:
            stream.sendall(options(1))
            answer = b""
            # Answers to pings may come before.
            while not answer and (data := stream.recv(65536)):
                answer = data.lstrip()
            return answer.startswith(b"SIP/2.0 200 ")
        except OSError:
            return False

    def is_answered(self, text, size):
        """Whether what comes in such pieces has an answer that is no refusal."""
        with self.connect() as stream, contextlib.suppress(OSError):
            stream.settimeout(1)
            for at in range(0, len(text), size):
                stream.sendall(text[at:at + size])
            return stream.recv(65536).startswith(b"SIP/2.0 200 ")
        return False

    def is_closed(self, stream, seconds):
        stream.settimeout(seconds)
        try:
            while stream.recv(65536):
                pass
        except (TimeoutError, socket.timeout):
            return False
        except OSError:
            pass
        return True

    def is_alive(self):
        """Whoever sends a datagram has the answer soon: nothing keeps the server busy."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(ALIVE_SECONDS)
            peer.sendto(options(next(self.numbers), "UDP"), self.address)
            self.assertTrue(peer.recv(65536).startswith(b"SIP/2.0 200 "))

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    def test_silent_ones_are_closed(self):
        silent, begun, heard = (self.connect() for _ in range(3))
        begun.sendall(options(1)[:-10])
        self.assertTrue(self.is_served(heard))
        # One that the server refers to, as a call may come on it.
        bob = SipUser("bob@example.com", self.address, "bob", "tcp")
        self.addCleanup(bob.close)
        self.assertEqual(bob.register(bob.contact).status, 200)
        until = time.monotonic() + 3 * IDLE_SECONDS
        while time.monotonic() < until:
            heard.sendall(b"\r\n\r\n")
            time.sleep(IDLE_SECONDS / 4)
        for stream in (silent, begun, bob.socket):
            self.assertTrue(self.is_closed(stream, 1))
        self.assertTrue(self.is_served(heard))

    def test_a_ping_is_answered(self):
        stream = self.connect()
        stream.sendall(b"\r\n\r\n")
        self.assertEqual(stream.recv(65536), b"\r\n")
        # What would be the answer to one of ours is not.
        stream.sendall(b"\r\n")
        stream.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            stream.recv(65536)
        stream.settimeout(10)
        self.assertTrue(self.is_served(stream))

    def test_there_are_enough(self):
        streams = [self.connect(f"127.0.1.{n}") for n in range(LIMIT)]
        self.assertTrue(all(self.is_served(stream) for stream in streams))
        for _ in range(3):
            self.assertTrue(self.is_closed(self.connect("127.0.2.1"), 5))
        self.assertTrue(all(self.is_served(stream) for stream in streams))
        streams.pop().close()

        def gets_in():
            for stream in streams:
                stream.sendall(b"\r\n\r\n")
            return self.is_served(self.connect("127.0.2.1"))
        self.until(gets_in, "a place")
        self.assertTrue(all(self.is_served(stream) for stream in streams))

    def test_there_are_enough_of_one_address(self):
        streams = [self.connect() for _ in range(LIMIT_PER_ADDRESS)]
        other = self.connect("127.0.1.1")
        more = [self.connect() for _ in range(2)]
        self.assertTrue(all(self.is_closed(stream, IDLE_SECONDS - 0.5) for stream in more))
        self.assertTrue(all(self.is_served(stream) for stream in [*streams, other]))

    def test_a_challenge_is_not_repeated_unless_the_call_is(self):
        """Whose address it is in a Via is not known yet."""
        stranger = SipUser("stranger@outside.example", self.address)
        self.addCleanup(stranger.close)
        uri = "sip:bob@example.com"
        invite = stranger.request("INVITE", uri, 1, "challenged", f"<{uri}>", "s", branch="z9hG4bKchallenged")
        for _ in range(2):
            stranger.send(invite)
            self.assertEqual(stranger.take(lambda m: m.status).status, 401)
            self.assertTrue(stranger.hears_nothing(lambda m: m.status, 2 * T1_SECONDS))

    def test_heads_have_so_many_lines(self):
        before = self.memory()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(ALIVE_SECONDS)
            peer.sendto(head_of(LINES, "UDP"), self.address)
            self.assertTrue(peer.recv(65536).startswith(b"SIP/2.0 200 "))
            peer.sendto(head_of(LINES + 1, "UDP"), self.address)
            for line in ("k:a", "Allow:A", "a:", "m:*", "!"):
                peer.sendto(options(1, "UDP", [line] * ((60_000 - 300) // (len(line) + 2))), self.address)
            self.is_alive()
            peer.settimeout(0.2)
            with self.assertRaises((TimeoutError, socket.timeout)):
                peer.recv(65536)
        for size in (1, 100, 100_000):  # of a piece
            for lines, answered in ((LINES, True), (LINES + 1, False)):
                with self.subTest(size=size, lines=lines):
                    self.assertEqual(self.is_answered(head_of(lines), size), answered)
        self.assertLess(self.memory(), before + MEMORY_MB)

    def test_heads_have_so_many_bytes(self):
        """Also that of a message that follows another one in the same piece of a stream."""
        before = self.memory()
        for first in (b"", options(1)):
            for more in (b"x" * 1000, b"X-Long: " + b"x" * 1000 + b"\r\n"):
                stream = self.connect()
                stream.settimeout(1)
                stream.sendall(first + options(2)[:-len("Content-Length: 0\r\n\r\n")] + b"X-First: ")
                sent = 0
                with contextlib.suppress(OSError):  # it is not read any more, or closed
                    while sent < 32 << 20:
                        stream.sendall(more * 100)
                        sent += len(more) * 100
                self.assertLess(sent, 16 << 20)
                self.is_alive()
                stream.close()
        self.assertLess(self.memory(), before + MEMORY_MB)


if __name__ == "__main__":
    unittest.main()
