#!/usr/bin/python3
"""The log of a running server: it says why a request was refused, rotation loses no line, and a log that nobody reads
stops nobody.

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

from nodes import charge_parts, command, soap
from server import Server, server_info

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
WAIT_SECONDS = 20
# More than a pipe, the buffer, and the buffer on its way hold together.
REQUESTS = 2500
WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
EXPIRED = (f'<w:Security xmlns:w="{WSS}secext-1.0.xsd" xmlns:u="{WSS}utility-1.0.xsd"><w:UsernameToken><w:Username>demo-app'
           '</w:Username><w:Password>demo-app</w:Password></w:UsernameToken><u:Timestamp><u:Expires>2026-01-01T00:00:00Z'
           '</u:Expires></u:Timestamp></w:Security>')
LONG_TARGET = "/ParlayX/nothing?" + "x" * 500


def names_once(pairs):
    """A line has each of its names once: of two alike, readers take either."""
    line = dict(pairs)
    assert len(line) == len(pairs), pairs
    return line


class Logs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-logs-")
        os.chmod(self.folder, 0o755)
        self.server = None

    def tearDown(self):
        if self.server:
            self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, sip_listen="", **settings):
        environment = dict(os.environ, **{f"LEDGERLINE_{name}": value for name, value in settings.items()})
        self.server = Server([LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0", "--sip-listen", sip_listen],
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
            return [json.loads(line, object_pairs_hook=names_once) for line in file]

    def wait_for(self, path, text):
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with open(path, encoding="utf-8") as file:
                if text in file.read():
                    return
            self.assertLess(time.monotonic(), deadline, f"no line with {text}")
            time.sleep(0.05)

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

    def test_why_a_request_was_refused(self):
        """Where one fault has several causes, the client reads the fault and the operator the cause."""
        log = os.path.join(self.folder, "main.log")
        port = self.start(sip_listen="127.0.0.1:0", LOG_FILE=log)
        url, user = f"http://127.0.0.1:{port}/ParlayX/", ("-u", "demo-app:demo-app")
        command(LEDGERLINE, os.path.join(self.folder, "var"), "account", "suspend", "tel:+15550002")
        requests = [
            ("insufficient_funds", "SVC0270", charge_parts(amount="1000000"), user),
            ("account_suspended", "SVC0270", charge_parts("tel:+15550002"), user),
            ("too_many_decimals", "SVC0007", charge_parts(amount="0.001"), user),
            ("not_positive", "SVC0007", charge_parts(amount="0"), user),
            ("no_amount", "SVC0007", charge_parts(amount=""), user),
            ("wrong_unit", "SVC0007", charge_parts(balance_type="data"), user),
            ("unknown_account", "SVC0002", charge_parts("tel:+15559999"), user),
            ("no credentials", "POL0001", charge_parts(), ()),
            ("Timestamp past or malformed", "POL0001", charge_parts(), (), EXPIRED),
            ("", "SVC0002", charge_parts(amount="1e3"), user),
            ("", "", charge_parts(), user)]
        for _, fault, parts, options, *header in requests:
            self.assertIn(f"<messageId>{fault}<" if fault else "chargeAmountResponse",
                          soap(url, "chargeAmount", parts, *options, header="".join(header))[2])
        self.wait_for(log, '"msg":"the bridge is there","part":"bridge"')
        self.stop()
        lines = [line for line in self.logged(log) if line["msg"] == "request"]
        self.assertEqual([line["operation"] for line in lines if line["user"]], ["chargeAmount"] * (len(lines) - 2))
        self.assertEqual([(line["cause"], line["fault"].partition(":")[0]) for line in lines],
                         [request[:2] for request in requests])

    def test_what_goes_to_a_wrong_address(self):
        """The standard's own files name such a one; clients made from them post there when only the host was changed."""
        log = os.path.join(self.folder, "main.log")
        port = self.start(LOG_FILE=log)
        path = "/AmountChargingService/services/AmountCharging"
        status, _, text = soap(f"http://127.0.0.1:{port}{path}", "chargeAmount", charge_parts(), "-u", "demo-app:demo-app")
        self.assertEqual((status, text), (404, "Nothing here; see /ParlayX/\n"))
        self.stop()
        line, = [line for line in self.logged(log) if line["msg"] == "request"]
        self.assertEqual((line["status"], line["fault"]), (404, f"Nothing at {path}"))

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
