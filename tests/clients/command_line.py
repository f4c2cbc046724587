#!/usr/bin/python3
"""The subcommands as people use them: results, refusals and mistakes, each with its text and exit status.

    command_line.py LEDGERLINE
"""
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from demo_case import DemoCase
from server import Server, run, server_info

LEDGERLINE = os.path.abspath(sys.argv.pop(1))


class CommandLine(DemoCase):
    program = LEDGERLINE

    def ledgerline(self, *arguments, **options):
        return run([LEDGERLINE, *arguments], cwd=self.folder, **options)

    def charge(self, *arguments):
        return self.ledgerline("charge", *arguments)

    def test_every_subcommand_explains_itself(self):
        output, _, status = self.ledgerline("--help")
        self.assertEqual(status, 0)
        subcommands = re.findall(r"^  ([a-z-]+) {2,}", output.split("Subcommands:")[1], re.MULTILINE)
        self.assertIn("serve", subcommands)
        for subcommand in subcommands:
            output, errors, status = self.ledgerline(subcommand, "--help")
            self.assertEqual((status, errors), (0, ""), subcommand)
            self.assertIn("Usage:", output)

    def test_charge_and_refund(self):
        output, errors, status = self.charge("tel:+15550010", "2.25", "EUR", "--reference", "C1", "--balance", "bonus",
                                             "--description", "it's a <test>")
        self.assertEqual((status, errors), (0, ""))
        self.assertIn("Charged tel:+15550010 2.25 EUR, reference C1.", output)
        output, errors, status = self.ledgerline("refund", "tel:+15550010", "1", "EUR", "--reference", "C2",
                                                 "--original-reference", "C1")
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(self.rows("select kind, balance_type, amount, description from journal "
                                   "where address = 'tel:+15550010' and reference_code in ('C1', 'C2') order by seq"),
                         ["charge|bonus|-2.25|it's a <test>", "refund|bonus|1.00|refund"])

    def test_what_became_of_a_reference(self):
        for command, amount in (("charge", "2.25"), ("refund", "1")):
            self.assertEqual(self.ledgerline(command, "tel:+15550013", amount, "EUR", "--reference", "S/1 +")[2], 0)
        output, errors, status = self.charge("--status", "S/1 +", "--account", "tel:+1-555-0013")
        self.assertEqual((status, errors), (0, ""))
        self.assertRegex(output, r"^20[0-9T:.-]+Z  charge done  2\.25 EUR, refunded 1\.00\n"
                                 r"20[0-9T:.-]+Z  refund done  1\.00 EUR\n$")
        for reference, account in (("S2", "tel:+15550013"), ("S/1 +", "tel:+15550014"), ("S/1 +", "tel:+19990000")):
            output, errors, status = self.charge("--status", reference, "--account", account)
            self.assertEqual((status, output), (1, ""))
            self.assertRegex(errors, "may still be in flight.*Repeating it.*is safe")
        self.assertIn("--account is required", self.charge("--status", "S1")[1])

    def test_the_question_on_the_wire(self):
        self.assertEqual(self.charge("tel:+15550015", "1.5", "EUR", "--reference", "W1")[2], 0)
        hold = self.ledgerline("hold", "tel:+15550015", "3", "EUR", "--key", "W1")[0].strip()
        self.assertEqual(self.ledgerline("hold", "tel:+15550015", "3", "EUR", "--key", "W1")[0].strip(), hold)
        url = server_info(self.data_dir)["url"] + "/ParlayX/requests/W1"
        about = "?endUserIdentifier=tel:%2B15550015"
        status, body = self.get(url + about, "demo-app")
        self.assertEqual(status, 200)
        self.assertEqual((body["referenceCode"], body["endUserIdentifier"]), ("W1", "tel:+15550015"))
        for one, operation, amount in zip(body["requests"], ("charge", "hold"), ("1.50", "3.00"), strict=True):
            self.assertRegex(one.pop("time"), r"^20.*Z$")
            self.assertEqual(one, {"operation": operation, "outcome": "done", "amount": amount, "unit": "EUR"})
        # Somebody else's is an unknown one, whatever they may do.
        status, unknown = self.get(url + about, "admin")
        self.assertEqual((status, unknown["error"]), (404, "not-found"))
        self.assertEqual(self.get(url + "0" + about, "demo-app"), (404, unknown))
        self.assertEqual(self.get(url + about + "0", "demo-app"), (404, unknown))
        for malformed in ("", "?endUserIdentifier=", "?endUserIdentifier=%"):
            self.assertEqual(self.get(url + malformed, "demo-app")[0], 400)
        self.assertEqual(self.get(url + about, "demo-app", "wrong")[0], 401)
        self.assertEqual(self.get(url + about)[0], 401)

    @staticmethod
    def get(url, user=None, password=None):
        """Status and JSON, if it is that."""
        request = urllib.request.Request(url)
        if user:
            credentials = base64.b64encode(f"{user}:{password or user}".encode()).decode()
            request.add_header("Authorization", "Basic " + credentials)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                is_json = refusal.headers["Content-Type"] == "application/json"
                return refusal.code, json.load(refusal) if is_json else None

    def test_holds_as_an_application(self):
        hold, errors, status = self.ledgerline("hold", "tel:+15550016", "10", "EUR")
        self.assertEqual((status, errors), (0, ""))
        hold = hold.strip()
        self.assertEqual(self.ledgerline("capture", hold, "2.50", "EUR", "--reference", "K1")[::2],
                         ("Charged 2.50 EUR from the reservation, reference K1.\n", 0))
        self.assertIn("SVC0270", self.ledgerline("capture", hold, "7.51", "EUR", "--reference", "K2")[1])
        self.assertEqual(self.rows("select posted, held from balances where address = 'tel:+15550016' "
                                   "and balance_type = 'main'"), ["97.50|7.50"])
        self.assertEqual(self.ledgerline("release", hold)[::2], ("Released; what was left is free again.\n", 0))
        _, errors, status = self.ledgerline("release", hold)
        self.assertEqual(status, 1)
        self.assertIn("reservationIdentifier", errors)
        self.assertIn("AMOUNT is required", self.ledgerline("hold", "tel:+15550016")[1])
        self.assertIn("Options", self.ledgerline("hold", "list", "--help")[0])

    def test_holds_of_volumes_as_an_application(self):
        held = "select posted, held from balances where address = 'tel:+15550018' and balance_type = 'data'"
        hold = self.ledgerline("hold", "tel:+15550018", "1000", "bytes", "--balance", "data")[0].strip()
        self.assertEqual(self.rows(held), ["1000000000|1000"])
        self.assertEqual(self.ledgerline("capture", hold, "400", "bytes", "--reference", "K3")[::2],
                         ("Charged 400 bytes from the reservation, reference K3.\n", 0))
        self.assertIn("SVC0270", self.ledgerline("capture", hold, "601", "bytes", "--reference", "K4")[1])
        self.assertIn("reservationIdentifier", self.ledgerline("capture", hold, "1", "EUR", "--reference", "K4")[1])
        self.assertIn("'1.5' is no volume", self.ledgerline("capture", hold, "1.5", "bytes", "--reference", "K4")[1])
        for _ in range(2):
            self.assertEqual(self.ledgerline("release", hold, "--key", "R1")[2], 0)
        self.assertEqual(self.rows(held), ["999999600|0"])
        self.assertIn("SVC0002", self.ledgerline("hold", "tel:+15550018", "1", "parsecs")[1])

    def test_accounts_as_an_application(self):
        address = "tel:+15550017"
        output, errors, status = self.ledgerline("balance", address)
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(output, "main          100\nbonus          10\ndata   1000000000\n")
        for expected in ("Topped up", "nothing was posted now"):
            output, errors, status = self.ledgerline("topup", address, "2.50", "--balance", "bonus", "--reference", "T1")
            self.assertEqual((status, errors), (0, ""))
            self.assertIn(expected, output)
        output, errors, status = self.ledgerline("history", address, "--limit", "1")
        self.assertEqual((status, errors), (0, ""))
        self.assertRegex(output, r"^20\S+Z  kind=credit amount=2.50 unit=EUR balanceType=bonus balanceAfter=12.50 "
                                 r'application=demo-app referenceCode=T1 description="balance update"\n$')
        self.assertEqual(self.ledgerline("history", address, "--from", "2999-01-01T00:00:00Z")[:2],
                         ("", "No entries.\n"))
        self.assertEqual(self.ledgerline("history", address, "--from", "2999-01-01")[0], "")
        self.assertEqual(self.ledgerline("history", address, "--limit", "1", "--from", "2026-01-01")[0], output)
        self.ledgerline("charge", "tel:+15550047", "1", "EUR", "--reference", "C1", "--description", "two\nlines\x9b31m")
        output, _, _ = self.ledgerline("history", "tel:+15550047", "--limit", "1")
        self.assertTrue(output.endswith(' description="two\\nlines\\xC2\\x9B31m"\n'), output)
        for wrong in ("yesterday", "2026-02-30", "2026-13-01"):
            self.assertIn("is no time", self.ledgerline("history", address, "--from", wrong)[1])

        voucher = os.path.join(self.folder, "voucher")
        made = json.loads(self.ledgerline("voucher", "create", "cli", "5", "EUR", "--pin-digits", "4", "--domain",
                                          "example.com", "--balance", "main", "--json")[0])["vouchers"][0]
        for text, expected in (("nonsense\n", "SVC0251"), (made["code"] + "\r\n" + made["pin"] + "\r\n", "")):
            with open(voucher, "w", encoding="utf-8") as file:
                file.write(text)
            _, errors, status = self.ledgerline("topup", address, "--voucher-file", voucher, "--reference", "T2")
            self.assertEqual(status, 1 if expected else 0)
            self.assertIn(expected, errors)
        with open(voucher, "w", encoding="utf-8") as file:
            file.write("4711\n")
        self.assertEqual(self.ledgerline("account", "pin", address, "--file", voucher)[2], 0)
        self.assertIn("SVC0250", self.ledgerline("balance", address)[1])
        self.assertIn("main          105\n", self.ledgerline("balance", address, "--pin-file", voucher)[0])
        self.assertIn("ADDRESS", self.ledgerline("balance")[1])

    def test_refusals(self):
        cases = [
            (("tel:+19999999", "1", "EUR"), "endUserIdentifier|POL0001"),
            (("tel:+15550011", "100.01", "EUR"), "SVC0270"),
            (("tel:+15550011", "0", "EUR"), "SVC0007"),
            (("tel:+15550011", "-1", "EUR"), "SVC0007"),
            (("tel:+15550011", "0.001", "EUR"), "SVC0007"),
            (("tel:+15550011", "1", "USD"), "SVC0007"),
            (("tel:+15550011", "1", "EUR", "--balance", "nonsense"), "SVC0002.*balanceType"),
        ]
        for number, (arguments, expected) in enumerate(cases):
            output, errors, status = self.charge(*arguments, "--reference", f"refused-{number}")
            self.assertEqual((status, output), (1, ""), arguments)
            self.assertRegex(errors, expected)
            self.assertTrue(errors.startswith("Not charged: "), errors)
        self.assertEqual(self.rows("select 1 from journal where reference_code like 'refused-%'"), [])

    def test_mistakes_of_use(self):
        cases = [
            (("charge", "tel:+15550011", "1", "EUR"), "--reference is required"),
            (("charge", "tel:+15550011", "1,5", "EUR", "--reference", "x"), "'1,5' is no amount"),
            (("topup", "tel:+15550011", "--voucher-file", "x", "--period", "30", "--reference", "x"), "excludes"),
            (("charge", "tel:+15550011", "1", "EUR", "--reference", "x", "--url", "http://127.0.0.1:1"), "Give --user"),
            (("charge", "tel:+15550011", "1", "EUR", "--reference", "x", "--url", "https://x", "--user", "demo-app",
              "--password-file", __file__), "plain HTTP"),
            (("charge", "tel:+15550011", "1", "EUR", "--reference", "x", "--url", "ftp://x", "--user", "demo-app",
              "--password-file", "/dev/null"), "can't read a password"),
            (("charge", "tel:+15550011", "1", "EUR", "--reference", "x", "--data-dir", "/nowhere"),
             "no server is running on the data directory /nowhere"),
            (("psql", "--data-dir", "/nowhere"), "no server is running on the data directory /nowhere"),
            (("nonsense",), "nonsense"),
            ((), "subcommand is required"),
        ]
        for arguments, expected in cases:
            _, errors, status = self.ledgerline(*arguments)
            self.assertEqual(status, 2, (arguments, errors))
            self.assertIn(expected, errors)

    def test_what_cannot_be_written_is_no_success(self):
        self.assertEqual(self.charge("tel:+15550011", "1", "EUR", "--reference", "full")[2], 0)
        with open("/dev/full", "w", encoding="utf-8") as full:
            for command in (("history", "tel:+15550011"), ("balance", "tel:+15550011"), ("balance", "show", "tel:+15550011"),
                            ("charge", "--status", "full", "--account", "tel:+15550011"),
                            ("hold", "tel:+15550011", "1", "EUR"), ("faults",), ("check-config", "--defaults")):
                done = subprocess.run([LEDGERLINE, *command], cwd=self.folder, stdout=full, stderr=subprocess.PIPE, text=True,
                                      timeout=60, check=False)
                self.assertEqual(done.returncode, 2, command)
                self.assertIn("can't be written to standard output", done.stderr)

    def test_passwords(self):
        good = os.path.join(self.folder, "good")
        wrong = os.path.join(self.folder, "wrong")
        for path, password in ((good, "demo-app"), (wrong, "demo-ap")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(password + "\n")
        url = server_info(self.data_dir)["url"]
        arguments = ("tel:+15550012", "1", "EUR", "--reference", "P1", "--url", url, "--user", "demo-app")
        _, errors, status = self.charge(*arguments, "--password-file", wrong)
        self.assertEqual(status, 2)
        self.assertIn("does not accept user demo-app", errors)
        _, errors, status = self.charge(*arguments, "--password-file", good)
        self.assertEqual((status, errors), (0, ""))

    def ask_one_that_answers(self, answer, *arguments):
        """Errors and exit status of a client whose server sends these bytes, whatever it is asked."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 " + answer)

            thread = threading.Thread(target=serve)
            thread.start()
            password = os.path.join(self.folder, "password")
            with open(password, "w", encoding="utf-8") as file:
                file.write("x\n")
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            _, errors, status = self.charge(*arguments, "--user", "u", "--url", url, "--password-file", password)
            thread.join()
        return errors, status

    def test_a_password_is_taken_once(self):
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(b"demo-app\n")
        # A command of two requests; what was read from the pipe is gone.
        _, errors, status = self.ledgerline("balance", "tel:+15550012", "--user", "demo-app", "--password-file",
                                            f"/dev/fd/{reading}", pass_fds=(reading,))
        os.close(reading)
        self.assertEqual((status, errors), (0, ""))

    def test_an_unintelligible_answer_leaves_the_outcome_open(self):
        errors, status = self.ask_one_that_answers(b"200 OK\r\nContent-Length: 5\r\n\r\nhello",
                                                   "tel:+15550012", "1", "EUR", "--reference", "U1")
        self.assertEqual(status, 2)
        self.assertIn("it is unknown whether this was done", errors)

    def test_a_server_that_can_not_tell_is_quoted(self):
        for answer, expected in ((b'503 Service Unavailable\r\nContent-Length: 26\r\n\r\n{"message": "try again; "}',
                                  "(HTTP 503): try again; "),
                                 (b"429 Too Many Requests\r\nContent-Length: 10\r\n\r\nthrottled\n", "(HTTP 429): throttled")):
            errors, status = self.ask_one_that_answers(answer, "--status", "U1", "--account", "tel:+15550012")
            self.assertEqual((status, errors), (2, f"ledgerline: the server does not tell {expected}\n"))

    def test_a_server_is_named_by_any_of_its_urls(self):
        url = server_info(self.data_dir)["url"]
        password = os.path.join(self.folder, "app")
        with open(password, "w", encoding="utf-8") as file:
            file.write("demo-app\n")
        for number, end in enumerate(("", "/", "/ParlayX", "/ParlayX/")):
            _, errors, status = self.charge("tel:+15550019", "1", "EUR", "--reference", f"url-{number}", "--url", url + end,
                                            "--user", "demo-app", "--password-file", password)
            self.assertEqual((status, errors), (0, ""), end)

    def test_a_second_server_is_refused_plainly(self):
        _, errors, status = self.ledgerline("serve", "--listen", "127.0.0.1:0")
        self.assertEqual(status, 2)
        self.assertIn(f"(process {server_info(self.data_dir)['pid']}) is running on the data directory", errors)

    def test_a_port_in_use_is_told_before_anything_is_made(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            other = os.path.join(self.folder, "other")
            _, errors, status = self.ledgerline("serve", "--listen", f"127.0.0.1:{port}", "--data-dir", other)
        self.assertEqual(status, 2)
        self.assertIn(f"port {port} on 127.0.0.1 is in use", errors)
        self.assertFalse(os.path.exists(os.path.join(other, "postgres")))

    def test_demo_data_stays_on_loopback(self):
        _, errors, status = self.ledgerline("serve", "--demo", "--listen", "0.0.0.0:0", "--data-dir", "elsewhere")
        self.assertEqual(status, 2)
        self.assertIn("loopback only", errors)
        # Nor do its passwords leave it with a later start that does not ask for the demo.
        socket_folder = os.path.realpath(os.path.join(self.data_dir, "socket"))
        key = dict(os.environ, LEDGERLINE_AUTH_KEY_FILE=os.path.join(self.data_dir, "secret.key"))
        for http, sip in (("0.0.0.0:0", ""), ("127.0.0.1:0", "0.0.0.0:0")):
            output, errors, status = self.ledgerline(
                "serve", "--listen", http, "--sip-listen", sip, "--data-dir", "elsewhere", "--database",
                f"postgresql://postgres@/ledgerline?host={socket_folder}", env=key)
            self.assertEqual(status, 2, output)
            self.assertIn("(demo-app@example.com, alice@example.com, ", errors)
            self.assertIn("loopback only, not on 0.0.0.0", errors)

    def test_settings(self):
        path = os.path.join(self.folder, "bad.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("[http]\nbody_limt = '1MB'\n[server]\nthreads = 'x'\n")
        _, errors, status = self.ledgerline("check-config", "--config", path)
        self.assertEqual(status, 1)
        self.assertEqual(errors.splitlines(),
                         [f"{path}:2: unknown setting http.body_limt; did you mean http.body_limit?",
                          f"{path}:4: server.threads must be a whole number"])
        _, errors, status = self.ledgerline("serve", "--config", path, "--data-dir", "elsewhere")
        self.assertEqual(status, 2)
        self.assertIn("body_limt", errors)
        environment = dict(os.environ, LEDGERLINE_SERVER_LISTEN="nowhere")
        _, errors, status = self.ledgerline("check-config", env=environment)
        self.assertEqual(status, 1)
        self.assertIn("LEDGERLINE_SERVER_LISTEN: server.listen must be", errors)

    def test_bench_becomes_the_benchmark(self):
        folder = os.path.join(self.folder, "built")
        os.makedirs(os.path.join(folder, "bench"))
        program = shutil.copy(LEDGERLINE, folder)
        _, errors, status = run([program, "bench"])
        self.assertEqual((status, errors), (2, "ledgerline: the benchmark is not built: scripts/bench builds and runs it\n"))
        benchmark = os.path.join(folder, "bench", "ledgerline_bench")
        with open(benchmark, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 3\n")
        os.chmod(benchmark, 0o755)
        self.assertEqual(run([program, "bench", "--", "--help", "1", "x y"]), ("--help\n1\nx y\n", "", 3))

    def test_psql_greets_people_only(self):
        self.assertEqual(self.rows("select 1"), ["1"])
        # A terminal: script(1) makes one.
        command = f"{LEDGERLINE} psql"
        done = subprocess.run(["script", "-qec", command, "/dev/null"], input="\\q\n", capture_output=True, text=True,
                              cwd=self.folder, timeout=60, check=True)
        for view in ("accounts", "balances", "journal", "trial_balance"):
            self.assertRegex(done.stdout, rf"(?m)^  {view} +\S")

    def test_health_and_metrics(self):
        url = server_info(self.data_dir)["url"]
        for path, expected in (("healthz", ""), ("readyz", ""), ("metrics", "ledgerline_postings_waiting 0")):
            with urllib.request.urlopen(f"{url}/{path}", timeout=30) as response:
                self.assertIn(expected, response.read().decode())


class Lifecycle(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-life-")
        os.chmod(self.folder, 0o755)
        self.command = [LEDGERLINE, "serve", "--demo", "--listen", "127.0.0.1:0", "--sip-listen", "127.0.0.1:0",
                        "--log-format", "text"]

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def postmaster(self):
        with open(os.path.join(self.folder, "var", "postgres", "postmaster.pid"), encoding="utf-8") as file:
            return int(file.readline())

    def charge(self, reference):
        return run([LEDGERLINE, "charge", "tel:+15550001", "1", "EUR", "--reference", reference], cwd=self.folder)

    def test_a_database_that_is_killed_is_started_again(self):
        server = Server(self.command, self.folder)
        self.assertEqual(self.charge("before")[2], 0)
        first = self.postmaster()
        os.kill(first, 9)
        server.wait_for("the database runs again")
        self.assertNotEqual(self.postmaster(), first)
        # Who tried to connect while it was away remembers that for a moment.
        deadline = time.monotonic() + 10
        output, errors, status = self.charge("after")
        while "database-unavailable" in output + errors and time.monotonic() < deadline:
            output, errors, status = self.charge("after")
        self.assertEqual(status, 0, output + errors)
        self.assertEqual(server.stop(), 0, server.output)

    def test_migrate_alone(self):
        output, errors, status = run([LEDGERLINE, "migrate"], cwd=self.folder)
        self.assertEqual((status, output), (0, "The database is up to date.\n"), errors)
        output, errors, status = run([LEDGERLINE, "migrate"], cwd=self.folder)
        self.assertEqual(status, 0, errors)
        self.assertNotIn("migration applied", errors)


if __name__ == "__main__":
    unittest.main()
