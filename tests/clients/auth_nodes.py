#!/usr/bin/python3
"""Who somebody is, asked at two nodes of one database: what one learns, the other heeds; and clients of other makes.

    auth_nodes.py LEDGERLINE
"""
import base64
import hashlib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from nodes import charge_parts, command, soap, two_nodes
from server import PSQL, run

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
WAIT_SECONDS = 10
FAILURES = 12  # more than all tests together make of one login: throttled is only who a test wants to be
WINDOW_SECONDS = 5
REMEMBERED = 2
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
PHP = r"""
[, $wsdl, $user, $password, $digested, $reference] = $argv;
$space = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-';
$nonce = random_bytes(16);
$created = gmdate('Y-m-d\TH:i:s\Z');
$form = $digested ? 'PasswordDigest' : 'PasswordText';
$secret = $digested ? base64_encode(sha1($nonce . $created . $password, true)) : $password;
$xml = "<w:Security xmlns:w='{$space}wssecurity-secext-1.0.xsd' xmlns:u='{$space}wssecurity-utility-1.0.xsd'>"
     . "<w:UsernameToken><w:Username>$user</w:Username><w:Password Type='{$space}username-token-profile-1.0#$form'>"
     . "$secret</w:Password><w:Nonce>" . base64_encode($nonce) . "</w:Nonce><u:Created>$created</u:Created>"
     . "</w:UsernameToken></w:Security>";
$client = new SoapClient($wsdl, ['cache_wsdl' => WSDL_CACHE_NONE]);
$client->__setSoapHeaders(new SoapHeader("{$space}wssecurity-secext-1.0.xsd", 'Security', new SoapVar($xml, XSD_ANYXML)));
try {
    $client->chargeAmount(['endUserIdentifier' => 'tel:+15550003', 'charge' => ['description' => 'd',
        'currency' => 'EUR', 'amount' => '0.01'], 'referenceCode' => $reference]);
    echo 'done';
} catch (SoapFault $fault) {
    echo $fault->faultstring;
}
"""


def md(algorithm, *parts):
    return hashlib.new(algorithm, ":".join(parts).encode()).hexdigest()


class AuthNodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-nodes-")
        os.chmod(cls.folder, 0o755)
        cls.data_dir = os.path.join(cls.folder, "var")
        environment = dict(os.environ, LEDGERLINE_AUTH_FAILURES_PER_LOGIN=str(FAILURES),
                           LEDGERLINE_AUTH_FAILURE_WINDOW=f"{WINDOW_SECONDS}s",
                           LEDGERLINE_AUTH_FAILURES_PER_ADDRESS="1000", LEDGERLINE_AUTH_DIGEST_MD5="true",
                           LEDGERLINE_AUTH_REPLAY_MEMORY=str(REMEMBERED))
        cls.servers, cls.urls = two_nodes(LEDGERLINE, cls.folder, environment)
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        for server in reversed(cls.servers):
            server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def user(self, action, name, *arguments, password=None):
        if password is not None:
            path = os.path.join(self.folder, "password")
            with open(path, "w", encoding="utf-8") as file:
                file.write(password + "\n")
            arguments += ("--password-file", path)
        return command(LEDGERLINE, self.data_dir, "user", action, name, *arguments)

    def add(self, name, password):
        self.user("add", name, password=password)
        self.user("grant", name, "payment.charge", "example.com")

    def post(self, node, *options, header=""):
        """Status and headers of a small charge."""
        AuthNodes.count += 1
        parts = charge_parts("tel:+15550003", "0.01", f"N{self.count}")
        return soap(self.urls[node], "chargeAmount", parts, *options, header=header)[:2]

    def status(self, node, login, password):
        return self.post(node, "-u", f"{login}:{password}")[0]

    def becomes(self, wanted, node, login, password):
        deadline = time.monotonic() + WAIT_SECONDS
        while (status := self.status(node, login, password)) != wanted:
            self.assertLess(time.monotonic(), deadline, status)
            time.sleep(0.05)

    def test_what_one_node_remembers_ends_when_it_changes(self):
        self.add("mover", "old")
        for node in (0, 1):
            self.assertEqual(self.status(node, "mover", "old"), 200)
        self.user("passwd", "mover", password="new")
        for node in (0, 1):
            self.becomes(401, node, "mover", "old")
            self.becomes(200, node, "mover", "new")
        self.user("disable", "mover")
        for node in (0, 1):
            self.becomes(401, node, "mover", "new")
        self.user("enable", "mover")
        self.becomes(200, 1, "mover", "new")
        self.user("revoke", "mover", "payment.charge", "example.com")
        for node in (0, 1):
            self.becomes(500, node, "mover", "new")  # known, and allowed nothing

    def test_mistakes_are_explained_and_change_nothing(self):
        path = os.path.join(self.folder, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write("secret\n")
        before = command(LEDGERLINE, self.data_dir, "user", "list")
        environment = {**os.environ, "LEDGERLINE_AUTH_KEY_FILE": os.path.join(self.folder, "key")}  # both nodes'
        for arguments, expected in (
                (("add", "x", "secret"), "secret"),  # a password is no argument
                (("add", "x"), "without a terminal, --password-file is needed"),
                (("add", "x", "--password-file", path, "--kind", "root"), "application, subscriber, administrator, finance"),
                (("add", "x:y", "--password-file", path), "'x:y' is no login (NAME or NAME@DOMAIN)"),
                (("add", "alice", "--password-file", path), "there is a user 'alice' already"),
                (("passwd", "nobody", "--password-file", path), "there is no user 'nobody'"),
                (("secret", "nobody", "--password-file", path), "there is no user 'nobody'"),
                (("disable", "nobody"), "there is no user 'nobody'"),
                (("limit", "nobody"), "there is no user 'nobody'"),
                (("limit", "demo-app", "hours", "always"), '"mon-fri 08:00-18:00"'),
                (("grant", "nobody", "payment.charge", "example.com"), "there is no user 'nobody'"),
                (("grant", "demo-app", "payment.charge", "exampel.com"), "there is no domain exampel.com"),
                (("grant", "demo-app", "pay", "example.com"), "there are: payment.charge, "),
                (("grant", "alice", "payment.charge", "example.com"), "changes nothing for the kind subscriber"),
                (("revoke", "demo-app", "payment.charge", "exampel.com"), "has no grant of payment.charge in exampel.com"),
                (("certificate", "demo-app", "5E:0F"), "'5E:0F' is no SHA-256 fingerprint (64 hex digits)")):
            _, errors, status = run([LEDGERLINE, "user", *arguments, "--data-dir", self.data_dir], env=environment)
            self.assertNotEqual(status, 0, arguments)
            self.assertIn(expected, errors, arguments)
        self.assertEqual(command(LEDGERLINE, self.data_dir, "user", "list"), before)

    def at_terminal(self, action, name, *typed):
        """What a person sees who types these lines, each when asked for it; the exit status; whether it echoes after."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, theirs)
        self.addCleanup(os.close, ours)
        self.assertTrue(self.echoes(theirs))
        process = subprocess.Popen([LEDGERLINE, "user", action, name, "--data-dir", self.data_dir], stdin=theirs,
                                   stdout=theirs, stderr=theirs, start_new_session=True,
                                   preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)))  # for its Ctrl-C
        seen = b""

        def read_until(ended):
            nonlocal seen
            deadline = time.monotonic() + 60
            while not ended():
                self.assertLess(time.monotonic(), deadline, seen)
                if select.select([ours], [], [], 0.05)[0]:
                    seen += os.read(ours, 65536)
        for prompt, line in zip(("Password: ", "Again: "), typed):
            read_until(lambda prompt=prompt: seen.endswith(prompt.encode()))
            self.assertFalse(self.echoes(theirs), prompt)
            os.write(ours, line.encode())
        read_until(lambda: process.poll() is not None and not select.select([ours], [], [], 0)[0])
        return seen.decode().replace("\r", ""), process.returncode, self.echoes(theirs)

    @staticmethod
    def echoes(terminal):
        return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)

    def test_passwords_typed_at_a_terminal_are_not_shown(self):
        self.assertEqual(self.at_terminal("add", "typist", "first pässword\n", "first pässword\n"),
                         ("Password: \nAgain: \nAdded typist, application.\n", 0, True))
        self.user("grant", "typist", "payment.charge", "example.com")
        self.becomes(200, 0, "typist", "first pässword")
        self.assertEqual(self.at_terminal("passwd", "typist", "second\n", "second\n"),
                         ("Password: \nAgain: \nChanged the password of typist.\n", 0, True))
        self.becomes(200, 0, "typist", "second")
        # Typed differently: nothing is changed, no user is made.
        for action, name in (("passwd", "typist"), ("add", "nobody")):
            seen, status, echoes = self.at_terminal(action, name, "third\n", "thirt\n")
            self.assertRegex(seen, r"\APassword: \nAgain: \n.*the two passwords differ; nothing was changed\n\Z")
            self.assertNotEqual(status, 0)
            self.assertTrue(echoes)
        self.assertEqual(self.status(0, "typist", "third"), 401)
        self.assertEqual(self.status(1, "typist", "second"), 200)
        self.assertNotIn("nobody", command(LEDGERLINE, self.data_dir, "user", "list"))
        # Ctrl-C at either question leaves a terminal that shows what is typed.
        for typed in (("\x03",), ("fourth\n", "\x03")):
            seen, status, echoes = self.at_terminal("passwd", "typist", *typed)
            self.assertEqual((status, echoes), (-signal.SIGINT, True), seen)
            self.assertNotIn("fourth", seen)
        self.assertEqual(self.status(1, "typist", "second"), 200)

    def test_logins_and_passwords_of_all_kinds(self):
        self.add("Größe", "пароль ü 密碼")
        for login in ("Größe", "größe@EXAMPLE.com", "GRößE@example.com"):
            self.assertEqual(self.status(1, login, "пароль ü 密碼"), 200, login)
        self.assertEqual(self.status(1, "Größe", "Пароль ü 密碼"), 401)
        self.assertEqual(self.status(1, "Größe@example.org", "пароль ü 密碼"), 401)
        self.assertEqual(self.status(0, "demo-app", "DEMO-APP"), 401)
        self.assertEqual(self.status(0, "DEMO-APP", "demo-app"), 200)

    def test_gateway_headers_are_off_unless_switched_on(self):
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
        header = ('<h:RequestSOAPHeader xmlns:h="http://www.huawei.com.cn/schema/common/v2_1"><h:spId>demo-app</h:spId>'
                  f'<h:spPassword>{hashlib.md5(("demo-app" + "demo-app" + stamp).encode()).hexdigest()}</h:spPassword>'
                  f'<h:timeStamp>{stamp}</h:timeStamp></h:RequestSOAPHeader>')
        self.assertEqual(self.post(0, header=header)[0], 401)

    def token(self, created, nonce, user="demo-app", secret="demo-app"):
        digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + secret.encode()).digest()).decode()
        return (f'<w:Security xmlns:w="{WSSE}wssecurity-secext-1.0.xsd" xmlns:u="{WSSE}wssecurity-utility-1.0.xsd">'
                f'<w:UsernameToken><w:Username>{user}</w:Username><w:Password Type="{WSSE}username-token-profile-'
                f'1.0#PasswordDigest">{digest}</w:Password><w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce>'
                f'<u:Created>{created}</u:Created></w:UsernameToken></w:Security>')

    def test_a_token_is_taken_once_by_all_nodes_together(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        token = self.token(now, os.urandom(16))
        self.assertEqual(self.post(0, header=token)[0], 200)
        self.assertEqual(self.post(1, header=token)[0], 401)
        self.assertEqual(self.post(1, header=self.token(now, os.urandom(16)))[0], 200)

    def test_tokens_beyond_what_a_node_remembers_are_taken_once_too(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        tokens = [self.token(now, os.urandom(16)) for _ in range(REMEMBERED + 3)]
        self.assertEqual([self.post(0, header=token)[0] for token in tokens], [200] * len(tokens))
        self.assertEqual([self.post(0, header=token)[0] for token in tokens[-2:]], [401] * 2)

    def digest(self, node, realm="ledgerline", algorithm="sha256", nonce=None, count="00000001"):
        if nonce is None:
            nonce = re.search('Digest realm="[^"]*".*?nonce="([^"]+)"', self.post(node)[1])[1]
        uri, name = "/ParlayX/", {"sha256": "SHA-256", "md5": "MD5"}[algorithm]
        response = md(algorithm, md(algorithm, "demo-app", realm, "demo-app"), nonce, count, "c", "auth",
                      md(algorithm, "POST", uri))
        return nonce, self.post(node, "-H", f'Authorization: Digest username="demo-app", realm="{realm}", nonce="{nonce}"'
                                f', uri="{uri}", qop=auth, algorithm={name}, nc={count}, cnonce="c", response="{response}"')

    def test_digests(self):
        self.assertEqual(self.digest(0, realm="elsewhere")[1][0], 401)
        self.assertEqual(self.digest(0, algorithm="md5")[1][0], 200)
        nonce, answer = self.digest(0)
        self.assertEqual(answer[0], 200)
        self.assertEqual(self.digest(0, nonce=nonce)[1][0], 401)  # the count was used
        self.assertEqual(self.digest(0, nonce=nonce, count="00000002")[1][0], 200)
        # Another node's nonce is one to be renewed, and nothing is done with it.
        status, head = self.digest(1, nonce=nonce, count="00000003")[1]
        self.assertEqual(status, 401)
        self.assertIn("stale=true", head)
        for node in (0, 1):
            self.assertEqual(self.post(node, "--digest", "-u", "demo-app:demo-app")[0], 200)

    def test_who_guesses_elsewhere_does_not_lock_out_who_works_with_a_secret(self):
        known = [500, 500]  # and allowed nothing

        def work(secret, source="127.0.0.1"):
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            return [self.post(0, "--interface", source, header=self.token(now, os.urandom(16), "alice", secret))[0],
                    self.post(0, "--interface", source, "--digest", "-u", f"alice:{secret}")[0]]
        self.assertEqual(work("alice"), known)
        deadline = time.monotonic() + WAIT_SECONDS
        for source in ("127.0.0.2", "127.0.0.1"):  # guessing where it works is no way round
            while 429 not in work("guess", source):
                self.assertLess(time.monotonic(), deadline)
            if source != "127.0.0.1":
                self.assertEqual(work("alice"), known)

    def test_who_guesses_waits_and_who_works_does_not(self):
        self.add("victim", "right")
        self.assertEqual(self.status(0, "victim", "right"), 200)
        for guess in range(FAILURES):
            self.assertEqual(self.status(0, "victim", f"guess{guess}"), 401)
        status, head = self.post(0, "-u", "victim:one more")
        self.assertEqual(status, 429)
        wait = int(re.search(r"(?i)retry-after: (\d+)", head)[1])
        self.assertTrue(1 <= wait <= WINDOW_SECONDS, wait)
        self.assertEqual(self.status(0, "victim", "right"), 200)  # remembered
        time.sleep(wait)
        self.assertEqual(self.status(0, "victim", "yet another"), 401)

    def php(self, user, password, digested):
        AuthNodes.count += 1
        done = subprocess.run(["php", "-r", PHP, "--", self.urls[0] + "v2_1/AmountCharging?wsdl", user, password,
                               "1" if digested else "", f"P{self.count}"], capture_output=True, text=True, timeout=60,
                              check=True)
        return done.stdout

    def test_php_username_token(self):
        for digested in (False, True):
            self.assertEqual(self.php("demo-app", "demo-app", digested), "done")
            self.assertIn("not-authenticated", self.php("demo-app", "wrong", digested))

    def test_the_trail_is_for_ever(self):
        command(LEDGERLINE, self.data_dir, "account", "suspend", "tel:+15550099")
        command(LEDGERLINE, self.data_dir, "balance", "adjust", "tel:+15550098", "1.00", "EUR", "--reference", "case-1",
                "--description", "a gift")
        command(LEDGERLINE, self.data_dir, "voucher", "create", "spring", "1.00", "EUR", "--count", "2", "--domain",
                "example.com", "--balance", "main")
        self.user("disable", "bob")

        def psql(statement):
            return run([LEDGERLINE, "psql", "--data-dir", self.data_dir, "--", "-Atc", statement])
        rows = psql("select act, subject, details, actor, origin from finance.trail order by event_no")[0]
        for expected in ("account.suspend|tel:+15550099|", "balance.adjust|tel:+15550098|", "voucher.create|spring|",
                         "user.disable|bob@example.com|"):
            self.assertIn(expected, rows)
        line = next(row for row in rows.split("\n") if row.startswith("balance.adjust"))
        self.assertIn("--reference=case-1", line)
        self.assertIn("|os:", line)

        # Who, what, when and from where, to finance staff with their own psql and to the server's and operator's role.
        self.assertEqual(self.status(0, "demo-app", "not this"), 401)
        query = ("select act, subject, origin, actor, recorded_at between now() - interval '10 minutes' and now() "
                 "from finance.trail where act = 'auth.failed' and subject like 'demo-app%' "
                 "order by event_no desc limit 1")
        for role in ("ledgerline_finance", "ledgerline_service"):
            output, errors, status = self.psql_as(role, query)
            self.assertEqual(status, 0, errors)
            self.assertRegex(output, r"^auth\.failed\|demo-app[^|]*\|127\.0\.0\.1\|[^|]+\|t$", role)

    def psql_as(self, login, statement):
        socket = os.path.realpath(os.path.join(self.data_dir, "socket"))
        return run([PSQL, "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", login, "-h", socket, "-d", "ledgerline",
                    "-c", statement])

    def test_nobody_changes_the_trail(self):
        changes = ("update {} set actor = 'x'", "delete from {}", "truncate {}")
        count = "select count(*), sum(hashtext(e::text)) from trail.event e where event_no <= {}"
        last = self.psql_as("postgres", "select max(event_no) from trail.event")[0].strip()
        before = self.psql_as("postgres", count.format(last))[0]
        insert = "insert into {} (actor, origin, act, subject, details) values ('a','b','c.d','e','f')"
        for login in ("ledgerline_finance", "ledgerline_service"):
            for statement in (*changes, insert):
                for table in ("trail.event", "finance.trail"):
                    _, errors, status = self.psql_as(login, "begin read write; " + statement.format(table))
                    self.assertNotEqual(status, 0, (login, statement, table))
                    self.assertRegex(errors, 'permission denied|"trail" is not a table', (login, statement, table))
        # Nor the tables' owner and the superuser, as long as the triggers stand.
        for role in ("", "set role ledgerline_owner; "):
            for statement in changes:
                _, errors, status = self.psql_as("postgres", role + statement.format("trail.event"))
                self.assertNotEqual(status, 0, (role, statement))
                self.assertIn("the trail is never changed", errors)
        for statement in (*changes, insert):
            _, _, status = run([LEDGERLINE, "psql", "--data-dir", self.data_dir, "--", "-c",
                                statement.format("finance.trail")])
            self.assertNotEqual(status, 0, statement)
        self.assertEqual(self.psql_as("postgres", count.format(last))[0], before)


if __name__ == "__main__":
    unittest.main()
