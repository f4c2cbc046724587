#!/usr/bin/python3
"""Telephones over TLS and WebSocket: the real kamailio with etc/kamailio.cfg in front of the server.

    edge.py LEDGERLINE
"""
import os
import re
import socket
import ssl
import subprocess
import time
import unittest
import uuid

import websocket

from inbound_calls import BOB, Calls
from phones import Phone, RegisteredPhone
from sip_peers import free_port
from sip_user import Message, SipUser

CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "etc", "kamailio.cfg")


class TlsUser(SipUser):
    """A telephone on a TLS connection of its own."""

    def __init__(self, address, server, authorities, password=None):
        super().__init__(address, server, password, "tcp")
        self.transport = "tls"
        self.socket = ssl.create_default_context(cafile=authorities).wrap_socket(self.socket, server_hostname=server[0])


class WebSocketUser(SipUser):
    """A telephone as in a browser (RFC 7118): its Contact and its Via lead nowhere."""

    def __init__(self, address, server, authorities, password=None, secure=True):
        self.host = uuid.uuid4().hex[:12] + ".invalid"
        super().__init__(address, server, password)
        self.socket.close()
        self.transport = "wss" if secure else "ws"
        self.socket = websocket.create_connection(
            f"{self.transport}://{server[0]}:{server[1]}/", timeout=20, subprotocols=["sip"],
            sslopt={"ca_certs": authorities})
        assert self.socket.subprotocol == "sip"

    @property
    def contact(self):
        return f"<sip:{self.login}@{self.host};transport=ws>"

    def request(self, *arguments, **options):
        return super().request(*arguments, **options).replace(f"127.0.0.1:{self.port};rport", self.host, 1)

    def send(self, text, to=None):
        self.socket.send(text)

    def read(self, deadline):
        self.socket.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            text = self.socket.recv()
        except websocket.WebSocketTimeoutException:
            return
        if text.strip():
            self.waiting.append(Message(text))


class Edge(Calls):
    """One edge for all tests of a class."""
    inner_port = free_port()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificate, cls.key = (os.path.join(cls.folder, "edge." + kind) for kind in ("crt", "key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", cls.key, "-out",
                        cls.certificate, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        cls.log = open(os.path.join(cls.folder, "kamailio.log"), "w", encoding="utf-8")
        cls.addClassCleanup(cls.log.close)
        cls.addClassCleanup(cls.end_edge)
        # A port that is free may be somebody's a moment later.
        assert any(cls.start_edge() for _ in range(5)), cls.said()

    @classmethod
    def start_edge(cls):
        cls.tls_port, cls.wss_port, cls.ws_port = (free_port() for _ in range(3))
        with open(CONFIG, encoding="utf-8") as file:
            text = file.read()
        for name, value in {"TLS_PORT": cls.tls_port, "WSS_PORT": cls.wss_port, "WS_PORT": cls.ws_port,
                            "INNER_PORT": cls.inner_port, "CORE_URI": f"sip:127.0.0.1:{cls.sip_port}",
                            "CERTIFICATE": cls.certificate, "PRIVATE_KEY": cls.key,
                            "AUTHORITIES": cls.certificate}.items():
            text, count = re.subn(rf'(?m)^#!substdef "!{name}!.*!g"$', f'#!substdef "!{name}!{value}!g"', text)
            assert count == 1, name
        config = os.path.join(cls.folder, "kamailio.cfg")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        cls.edge = subprocess.Popen(["kamailio", "-f", config, "-DD", "-E", "-m", "64", "-M", "16", "-Y", cls.folder],
                                    stdin=subprocess.DEVNULL, stdout=cls.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while cls.edge.poll() is None and not cls.listens(cls.wss_port):
            assert time.monotonic() < deadline, cls.said()
            time.sleep(0.05)
        return cls.edge.poll() is None

    @classmethod
    def listens(cls, port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    @classmethod
    def said(cls):
        with open(cls.log.name, encoding="utf-8") as file:
            return file.read()

    @classmethod
    def end_edge(cls):
        cls.edge.terminate()
        try:
            cls.edge.wait(10)
        except subprocess.TimeoutExpired:
            cls.edge.kill()
            cls.edge.wait()

    def over(self, transport, name="bob"):
        """A user's telephone at the edge."""
        address = f"{name}@example.com"
        if transport == "tls":
            user = TlsUser(address, ("127.0.0.1", self.tls_port), self.certificate, name)
        else:
            port = self.wss_port if transport == "wss" else self.ws_port
            user = WebSocketUser(address, ("127.0.0.1", port), self.certificate, name, transport == "wss")
        self.users.append(user)
        return user


class Registered(Edge):
    def test_a_telephone_registers_and_is_called_over_its_connection(self):
        for transport in ("tls", "wss", "ws"):
            with self.subTest(transport):
                phone = self.over(transport)
                answer = phone.register(phone.contact)
                self.assertEqual(answer.status, 200, answer.headers)
                self.assertIn(phone.contact.strip("<>"), answer["Contact"])
                self.assertRegex(self.owner("select path from ledger.binding"), rf"@127\.0\.0\.1:{self.inner_port};lr>")
                call = self.alice.call(BOB)
                invite = phone.invited()
                phone.reply(invite, 180, "Ringing")
                self.assertEqual(call.ringing().status, 180)
                phone.answer(invite)
                self.assertEqual(call.response().status, 200)
                self.assertEqual(call.bye().status, 200)
                phone.expect_bye()
                call = self.alice.call(BOB)
                phone.reply(phone.invited(), 486)
                self.assertEqual(call.response().status, 486)
                call = self.alice.call(BOB)
                invite = phone.invited()
                phone.reply(invite, 180, "Ringing")
                call.ringing()
                self.assertEqual(call.cancel().status, 487)
                phone.expect_cancel(invite)
                # The connection is where it is called: without it, it is not there.
                phone.close()
                self.until(lambda: self.alice.call(BOB).response().status == 480, "that it is gone")
                self.heard("delete from ledger.binding")

    def test_a_telephone_calls_over_its_connection(self):
        self.register(self.bob)
        for transport in ("tls", "wss"):
            with self.subTest(transport):
                phone = self.over(transport, "alice")
                call = phone.call(BOB)
                invite = self.bob.invited()
                self.bob.reply(invite, 180, "Ringing")
                self.assertEqual(call.ringing().status, 180)
                self.bob.answer(invite)
                self.assertEqual(call.response().status, 200)
                self.assertEqual(call.bye().status, 200)
                self.bob.expect_bye()

    def test_wrong_passwords_do_not_get_in(self):
        phone = self.over("wss")
        phone.password = "wrong"
        self.assertEqual(phone.register(phone.contact).status, 401)
        self.assertEqual(self.owner("select count(*) from ledger.binding"), "0")

    def test_a_third_party_call_of_real_telephones(self):
        phone = RegisteredPhone(self.folder, "bob", 440, ("127.0.0.1", self.tls_port), "tls", self.certificate)
        self.addCleanup(phone.stop)
        self.until(lambda: self.owner("select count(*) from ledger.binding where path <> ''") == "1", "the registration")
        other = Phone(self.folder, "other", 660)
        self.addCleanup(other.stop)
        call = self.v2.makeCall(callingParty=BOB, calledParty=other.uri)
        self.until_status(call, "CallConnected")
        tones = (440, 660)
        self.until(lambda: phone.hears([660], tones) and other.hears([440], tones), "the tone of each at the other")
        self.v2.endCall(callIdentifier=call)

    def test_nobody_uses_it_as_a_relay(self):
        victim, stranger = self.over("tls", "alice"), self.over("tls", "mallory")
        self.register(victim)
        stranger.password = None
        # Neither with the path of another's connection nor to an address of its own.
        path = "Route: " + self.owner("select path from ledger.binding")
        for uri, route in ((victim.contact.strip("<>"), [path]), (f"sip:x@127.0.0.1:{self.bob.port}", [])):
            self.assertEqual(stranger.call(uri, route).response().status, 401)
        for phone in (victim, self.bob):
            self.assertTrue(phone.hears_nothing(lambda m: m.method == "INVITE"))


class Lost(Edge):
    settings = dict(Edge.settings, SIP_LIVENESS="1s")

    def test_a_call_ends_when_its_telephone_has_lost_the_connection(self):
        for transport in ("tls", "wss"):
            with self.subTest(transport):
                phone = self.over(transport)
                self.assertEqual(phone.register(phone.contact).status, 200)
                call = self.alice.call(BOB)
                phone.answer(phone.invited())
                self.assertEqual(call.response().status, 200)
                phone.reply(phone.take(lambda m: m.method == "OPTIONS"), 200)
                phone.close()
                self.alice.expect_bye(30)
                self.assertEqual(self.record(BOB).split("|")[:2], ["terminated", "aborted"])
                self.heard("delete from ledger.binding")


class TlsPhone(Phone):
    """One that is reached over TLS, by its own certificate."""

    def __init__(self, folder, name, frequency, pair):
        self.modules = f"sip_certificate {pair}\n"
        super().__init__(folder, name, frequency)

    @property
    def uri(self):
        return f"sip:{self.name}@127.0.0.1:{self.port + 1};transport=tls"


class Outbound(Edge):
    """Everything goes over the edge, which reaches parties by what their addresses say."""
    settings = dict(Edge.settings, SIP_OUTBOUND_PROXY=f"127.0.0.1:{Edge.inner_port}")

    def test_parties_are_called_over_tls(self):
        pair = os.path.join(self.folder, "pair.pem")
        with open(pair, "w", encoding="ascii") as file:
            for path in (self.certificate, self.key):
                with open(path, encoding="ascii") as part:
                    file.write(part.read())
        first, second = TlsPhone(self.folder, "first", 440, pair), Phone(self.folder, "second", 660)
        for phone in (first, second):
            self.addCleanup(phone.stop)
        call = self.v2.makeCall(callingParty=first.uri, calledParty=second.uri)
        self.until_status(call, "CallConnected")
        tones = (440, 660)
        self.until(lambda: first.hears([660], tones) and second.hears([440], tones), "the tone of each at the other")
        self.v2.endCall(callIdentifier=call)
        self.until_status(call, "CallTerminated")


if __name__ == "__main__":
    unittest.main(verbosity=2)
