#!/usr/bin/python3
"""A node whose connections to the database fall silent while it posts: nobody says goodbye, as when its machine is
paused or its network is gone. The other nodes must go on.

    hung_node.py LEDGERLINE
"""
import os
import select
import shutil
import socket
import sys
import tempfile
import threading
import unittest
from subprocess import CalledProcessError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))
from nodes import charge_parts, command, soap, two_nodes  # noqa: E402

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
STATEMENT_SECONDS = 2
PAYER = "tel:+15550007"


class SilentProxy:
    """Listens on a Unix socket of its own and forwards to PostgreSQL's. Once a client sends the marker, no connection
    forwards anything any more, and none is closed, until it is told to end."""

    def __init__(self, folder, target):
        self.target, self.marker, self.silent = os.path.join(target, ".s.PGSQL.5432"), None, threading.Event()
        self.ended = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, ".s.PGSQL.5432"))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.ended.is_set():
            if select.select([self.listener], [], [], 0.1)[0]:
                client = self.listener.accept()[0]
                threading.Thread(target=self.forward, args=(client,), daemon=True).start()
        self.listener.close()

    def forward(self, client):
        server = socket.socket(socket.AF_UNIX)
        with client, server:
            server.connect(self.target)
            while not self.ended.is_set():
                if self.silent.is_set():
                    self.ended.wait()
                    return
                for side in select.select([client, server], [], [], 0.1)[0]:
                    data = side.recv(65536)
                    if not data:
                        return
                    if side is client and self.marker and self.marker in data:
                        self.silent.set()
                        break
                    (server if side is client else client).sendall(data)

    def end(self):
        self.ended.set()


class HungNode(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-hung-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.data_dir = os.path.join(self.folder, "var")
        self.proxy = None
        environment = dict(os.environ, LEDGERLINE_DATABASE_STATEMENT_TIMEOUT=f"{STATEMENT_SECONDS}s")
        servers, self.urls = two_nodes(LEDGERLINE, self.folder, environment, self.through_the_proxy)
        for server in servers:  # the last one is stopped first
            self.addCleanup(server.stop)
        self.addCleanup(self.proxy.end)
        password = os.path.join(self.folder, "password")
        with open(password, "w", encoding="utf-8") as file:
            file.write("secret\n")
        for arguments in (("add", "shop", "--password-file", password), ("grant", "shop", "payment.charge", "example.com"),
                          ("limit", "shop", "requests-per-day", "1000")):
            command(LEDGERLINE, self.data_dir, "user", *arguments)

    def through_the_proxy(self, target):
        folder = os.path.join(self.folder, "proxy")
        os.mkdir(folder)
        self.proxy = SilentProxy(folder, target)
        return folder

    def charge(self, node, login, reference, seconds):
        """The status of a charge; None: no answer in time."""
        try:
            return soap(self.urls[node], "chargeAmount", charge_parts(PAYER, "1.00", reference), "-u", login, "-m",
                        str(seconds))[0]
        except CalledProcessError:
            return None

    def test_the_others_go_on_charging_whom_it_was_about_to_charge(self):
        self.assertEqual(self.charge(1, "demo-app:demo-app", "before", 10), 200)
        # Posted, its locks in hand, and not committed: the database waits to hear what the node does next.
        self.proxy.marker = b"count_requests"
        self.assertIsNone(self.charge(1, "shop:secret", "hung", 1))
        self.assertTrue(self.proxy.silent.is_set())
        self.assertEqual(self.charge(0, "demo-app:demo-app", "meanwhile", 30), 200)
        # What hung was not posted, and is when it is asked for again.
        self.assertEqual(self.charge(0, "shop:secret", "hung", 30), 200)
        self.assertIn(" 97.00 ", command(LEDGERLINE, self.data_dir, "balance", "show", PAYER))
        self.assertIn("Everything agrees.", command(LEDGERLINE, self.data_dir, "audit", "verify"))


if __name__ == "__main__":
    unittest.main()
