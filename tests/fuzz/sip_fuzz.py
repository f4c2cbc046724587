#!/usr/bin/python3
"""Mutated SIP: datagrams and TCP streams of strangers, requests and responses inside of calls, answers to our INVITEs. Beside
it runs a call that nobody may disturb; in the end the server is as it was.

    sip_fuzz.py LEDGERLINE
        SIP_FUZZ_SEED=N repeats a run, SIP_FUZZ_DATAGRAMS=N is how much comes,
        SIP_FUZZ_WIDE=1 has it change where the server is to send to, too, and waits for it to fall silent in the end: no
        transaction is left
"""
import contextlib
import os
import random
import socket
import struct
import sys
import time
import unittest
from decimal import Decimal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))
from call_case import CallCase  # noqa: E402
from patient_phone import PatientPhone  # noqa: E402
from sip_mutations import Mutations  # noqa: E402
from sip_user import SDP, Message, SipUser  # noqa: E402

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
SEED = int(os.environ.get("SIP_FUZZ_SEED", random.SystemRandom().randrange(10**9)))
DATAGRAMS = int(os.environ.get("SIP_FUZZ_DATAGRAMS", 4000))
WIDE = os.environ.get("SIP_FUZZ_WIDE") == "1"
BURST = 40
STREAMS = DATAGRAMS // 40
CALLS = DATAGRAMS // 100  # to phones that answer nearly right
# By these the server finds the phones.
ROUTING = () if WIDE else (b"Contact", b"Record-Route", b"Via", b"m:", b"v:")
T1_MS = 100  # a fifth of the usual: nearly all of a run is waiting for what is over after 64*T1
# Seconds: what was lost among the mutations takes its time-outs, 64 or 80*T1, to end; calls with strangers whose address
# was changed, too, last as long as calls may.
CALL_SECONDS = 50
UNTIL_GONE = CALL_SECONDS + 20 if WIDE else 30
SILENCE_SECONDS = 64 * T1_MS / 1000 + 2  # what a transaction repeats until then
MEMORY_MB = 96  # transactions, which are kept for 64*T1
OPEN_STREAMS = 20


class HardyPhone(PatientPhone):
    def received(self, message):
        # What the mutations made the server say may be no SIP.
        with contextlib.suppress(ValueError, AttributeError, KeyError):
            super().received(message)


class FuzzyPhone(HardyPhone):
    """Its responses are mutated, each time that they are sent, unless they end something."""

    def __init__(self, server, mutations):
        self.mutations = mutations
        super().__init__(server)

    def send(self, text, to):
        data = text.encode()
        if " BYE\r\n" not in text and " CANCEL\r\n" not in text and self.mutations.random.random() < 0.6:
            data = self.mutations.mutated(data, self.mutations.kept)
        with contextlib.suppress(OSError):
            self.socket.sendto(data, to)


class SipFuzz(CallCase):
    program = LEDGERLINE
    settings = {"CALL_LINGER": "1s", "CALL_NO_ANSWER": "2s", "SIP_TRUSTED_PEERS": "127.0.0.1", "AUTH_FAILURES_PER_LOGIN": "0",
                "AUTH_FAILURES_PER_ADDRESS": "0", "LOG_LEVEL": "error", "SIP_T1": f"{T1_MS}ms",
                **({"CALL_MAX_DURATION": f"{CALL_SECONDS}s"} if WIDE else {})}

    def setUp(self):
        super().setUp()
        print(f"SIP_FUZZ_SEED={SEED}", flush=True)
        self.address = ("127.0.0.1", self.sip_port)
        self.mutations = Mutations(SEED, f"127.0.0.1:{self.sip_port}", ROUTING)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.addCleanup(self.socket.close)
        self.prober = self.user("prober")
        self.alice = self.client("v2_3", "alice")
        self.probes = self.requests = 0
        self.answers = []  # that made a call of a stranger's invitation

    def user(self, name):
        user = SipUser(f"{name}@outside.example", self.address)
        self.addCleanup(user.close)
        return user

    def is_alive(self):
        """OPTIONS is answered: what was sent before has been read."""
        self.probes += 1
        self.prober.send(self.prober.request("OPTIONS", f"sip:127.0.0.1:{self.sip_port}", self.probes, "probes",
                                             "<sip:server@127.0.0.1>", "p"))
        number = self.probes
        answer = self.prober.take(lambda m: m.status and m.sequence == (number, "OPTIONS"), 20)
        self.assertEqual(answer.status, 200)

    def call_beside(self):
        first, second = self.user("first"), self.user("second")
        call = self.alice.makeCall(callingParty=first.contact.strip("<>"), calledParty=second.contact.strip("<>"),
                                   charging={"description": "beside", "currency": "EUR", "amount": Decimal("0.25")})
        invite = first.invited()
        first.answer(invite)
        theirs = second.invited()
        second.reply(theirs, 200, "OK", SDP.format(port=second.port))
        first.answer(first.invited())
        second.take(lambda m: m.method == "ACK")
        self.until_status(call, "CallConnected", self.alice)
        return call, first, second, invite

    def goes_on(self, call, first, second, invite):
        """A tone of one party is heard by the other, and the end by both."""
        self.assertEqual(self.alice.getCallInformation(callIdentifier=call).callStatus, "CallConnected")
        first.send(first.request("INFO", invite["Contact"].strip("<>"), 1, invite["Call-ID"], invite["From"], "callee",
                                 body="Signal=5"))
        info = second.take(lambda m: m.method == "INFO")
        self.assertEqual(info.body, "Signal=5")
        second.reply(info, 200)
        self.assertEqual(first.take(lambda m: m.status >= 200 and m["CSeq"] == "1 INFO").status, 200)
        self.alice.endCall(callIdentifier=call)
        for user in (first, second):
            user.expect_bye()

    def phones(self, kind, *arguments):
        phones = kind(self.address, *arguments), kind(self.address, *arguments)
        for phone in phones:
            self.addCleanup(phone.close)
        return phones

    def call_between(self, phones, names):
        return self.v2.makeCall(callingParty=phones[0].uri(names[0]), calledParty=phones[1].uri(names[1]))

    def send_datagrams(self, victims, fuzzy):
        kinds = ("answers", "answers", "leaves", "busy", "rings")
        pick = self.mutations.random
        for sent in range(DATAGRAMS):
            phone = pick.choice(victims)
            calls = list(phone.calls.values())
            what = pick.random()
            if what < 0.25 and calls:
                data = self.mutations.in_dialog(pick.choice(calls), phone.port)
            elif what < 0.35 and calls:
                data = self.mutations.answer(pick.choice(calls))
            else:
                data = self.mutations.stranger()
            with contextlib.suppress(OSError):
                self.socket.sendto(data, self.address)
            if sent % BURST == 0:
                self.is_alive()
                self.read_answers()
            if sent % (DATAGRAMS // CALLS) == 0:
                self.call_between(fuzzy, (f"{pick.choice(kinds)}-{sent}", f"{pick.choice(kinds)}-{sent}"))
                self.call_between(victims, (f"answers-{sent}", f"answers-{sent}"))

    def read_answers(self):
        """Of all, their nonces count, and what a 2xx to an INVITE waits for."""
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                answer = Message(self.socket.recv(65536).decode(errors="replace"))
                if 'nonce="' in answer["WWW-Authenticate"]:
                    self.mutations.nonce = answer["WWW-Authenticate"].split('nonce="')[1].split('"')[0]
                if answer.first.startswith("SIP/2.0 2") and answer["CSeq"].endswith("INVITE"):
                    self.in_dialog("ACK", answer, answer.sequence[0])
                    self.answers.append(answer)
        self.socket.setblocking(True)

    def in_dialog(self, method, answer, number):
        """A request of the caller's: what a 2xx waits for, or what ends the call."""
        self.requests += 1
        lines = [f"{method} {answer['Contact'].strip('<>')} SIP/2.0",
                 f"Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKa{self.requests}", f"From: {answer['From']}",
                 f"To: {answer['To']}", f"Call-ID: {answer['Call-ID']}", f"CSeq: {number} {method}", "Max-Forwards: 70",
                 "Content-Length: 0"]
        self.socket.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(errors="replace"), self.address)

    def send_streams(self):
        """Pieces of streams of several messages; some are closed, some are reset, some stay."""
        pick = self.mutations.random
        open_ = []
        for _ in range(STREAMS):
            stream = socket.create_connection(self.address, 10)
            stream.settimeout(5)
            data = b"".join(self.mutations.stranger("TCP") for _ in range(pick.randrange(1, 8)))
            with contextlib.suppress(OSError):
                while data:
                    size = pick.choice((1, 7, 100, 1000, 20_000))
                    stream.sendall(data[:size])
                    data = data[size:]
            what = pick.random()
            if what < 0.3:
                open_.append(stream)
                if len(open_) > OPEN_STREAMS:
                    open_.pop(0).close()
                continue
            if what < 0.6:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()
        self.is_alive()
        for stream in open_:
            stream.close()

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def legs_become(self, number):
        deadline = time.monotonic() + UNTIL_GONE
        while (legs := self.legs()) > number and time.monotonic() < deadline:
            self.read_answers()  # or a 2xx would be repeated until its time-out
            time.sleep(0.1)
        self.assertEqual(legs, number)

    def falls_silent(self):
        """Whatever was repeated is given up."""
        time.sleep(SILENCE_SECONDS)
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.recv(65536)
        self.socket.settimeout(16 * T1_MS / 1000)  # twice the longest pause between two repetitions
        with self.assertRaises((TimeoutError, socket.timeout)):
            self.socket.recv(65536)

    def test_lengths_of_bodies_that_never_come(self):
        """Also behind a whole message in the same piece of a stream, where the stack has no limit of its own."""
        number = 0
        for length in (2**31 - 1, 2**31, 2**32 - 1300, 2**32 - 1, 2**32):
            for before in (0, 1, 2):
                number += 1
                texts = [self.prober.request("OPTIONS", "sip:server@127.0.0.1", 1, f"length-{number}-{at}",
                                             "<sip:server@127.0.0.1>", "p").replace("SIP/2.0/UDP", "SIP/2.0/TCP")
                         for at in range(before + 1)]
                texts[-1] = texts[-1].replace("Content-Length: 0", f"Content-Length: {length}") + "x"
                with self.subTest(f"{length} after {before}"), socket.create_connection(self.address, 10) as stream:
                    stream.sendall("".join(texts).encode())
                    self.is_alive()
                    answers = b""
                    with contextlib.suppress(ConnectionResetError):
                        while data := stream.recv(65536):
                            answers += data
                    self.assertEqual(answers.count(b"SIP/2.0 200 "), before)
                    self.assertRegex(answers, rb"SIP/2.0 4(00|13) ")

    def test_afterwards_the_server_is_as_it_was(self):
        beside = self.call_beside()
        self.is_alive()
        memory, descriptors = self.memory(), self.descriptors()
        victims = self.phones(HardyPhone)
        fuzzy = self.phones(FuzzyPhone, self.mutations)
        # Who is called by a stranger; a 2xx that nobody acknowledges would be repeated for half a minute.
        bob = SipUser("bob@example.com", self.address, "bob")
        self.addCleanup(bob.close)
        self.assertEqual(bob.register(f"<{fuzzy[0].uri('answers-bob' if WIDE else 'rings-bob')}>").status, 200)
        self.send_datagrams(victims, fuzzy)
        self.send_streams()
        after = self.memory()
        self.goes_on(*beside)
        for call in self.query("select call_id from calls where ended_at is null").splitlines():
            with contextlib.suppress(Exception):  # it may be over by now
                self.v2.endCall(callIdentifier=call)
        for answer in self.answers:
            self.in_dialog("BYE", answer, answer.sequence[0] + 1)
        self.legs_become(0)
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the records' ends")
        self.until(lambda: self.descriptors() <= descriptors + 4, "the connections' ends")
        if WIDE:
            self.falls_silent()
        print(f"{DATAGRAMS} datagrams, {STREAMS} streams, {self.query('select count(*) from calls')} calls; "
              f"memory {memory:.1f} MB, {after:.1f} MB, {self.memory():.1f} MB", flush=True)
        self.assertLess(self.memory(), memory + MEMORY_MB)
        self.is_alive()
        call, first, second, invite = self.call_beside()
        self.goes_on(call, first, second, invite)
        self.until(lambda: self.held("tel:+15550001") == "99.50|0.00", "two charges")


if __name__ == "__main__":
    unittest.main()
