#!/usr/bin/python3
"""The log of a running server: rotation loses no line, and a log that nobody reads stops nobody.

    logs.py LEDGERLINE
"""
import http.client
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import unittest
from urllib.parse import urlsplit

from server import Server, server_info

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
WAIT_SECONDS = 20
# More than a pipe, the buffer, and the buffer on its way hold together.
REQUESTS = 2500
LONG_TARGET = "/ParlayX/nothing?" + "x" * 500


class Logs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-logs-")
        os.chmod(self.folder, 0o755)
        self.server = None

    def tearDown(self):
        if self.server:
            self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, **settings):
        environment = dict(os.environ, **{f"LEDGERLINE_{name}": value for name, value in settings.items()})
        self.server = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0", "--sip-listen", ""],
                             self.folder, environment)
        return urlsplit(server_info(os.path.join(self.folder, "var"))["url"]).port

    def stop(self):
        status = self.server.stop()
        self.server = None
        self.assertEqual(status, 0)

    @staticmethod
    def get(connection, target):
        connection.request("GET", target)
        response = connection.getresponse()
        text = response.read().decode()
        return response.getheader("X-Request-Id"), text

    def logged(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def test_rotation(self):
        access = os.path.join(self.folder, "access.log")
        port = self.start(LOG_FILE=os.path.join(self.folder, "main.log"), LOG_ACCESS_FILE=access)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
        answered = []
        for turn in range(3):
            for _ in range(20):
                answered.append(self.get(connection, "/ParlayX/")[0])
            os.rename(access, f"{access}.{turn}")
            self.server.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + WAIT_SECONDS
            while not os.path.exists(access):
                self.assertLess(time.monotonic(), deadline, "the log was not opened again")
                time.sleep(0.01)
        connection.close()
        self.stop()
        lines = [line for name in ("access.log.0", "access.log.1", "access.log.2", "access.log")
                 for line in self.logged(name)]
        self.assertEqual([line["request"] for line in lines], answered)
        self.assertNotIn("get", [line["msg"] for line in self.logged("main.log")])
        self.assertEqual(self.logged("main.log")[-1]["msg"], "stopped")

    def test_nobody_reads(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)
        unread = os.open(pipe, os.O_RDWR)
        self.addCleanup(os.close, unread)
        port = self.start(LOG_BUFFER_LIMIT="64kB", LOG_FILE=pipe)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
        for _ in range(REQUESTS):
            self.get(connection, LONG_TARGET)
        _, metrics = self.get(connection, "/metrics")
        connection.close()
        lost = int(re.search(r"^ledgerline_log_lines_lost_total (\d+)$", metrics, re.MULTILINE).group(1))
        self.assertGreater(lost, 0)
        self.stop()


if __name__ == "__main__":
    unittest.main(verbosity=1)
