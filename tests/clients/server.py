"""Starts a server for a test of its clients, and stops it."""
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import threading
import time

READY_SECONDS = 120
STOP_SECONDS = 60


PR_SET_PDEATHSIG = 1
PSQL = "/usr/lib/postgresql/15/bin/psql"


def die_with_parent():
    """A test that is killed can stop nothing: the kernel then tells its server to."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Server:
    """A child that prints its start message when it is ready; SIGINT stops it."""

    def __init__(self, command, cwd, environment=None, ready_seconds=READY_SECONDS):
        self.output = ""
        self.more = threading.Condition()
        self.reader = None
        # Its own session: a Ctrl-C for the test does not reach it, and a stuck child of its can be ended with it.
        self.process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                                        text=True, preexec_fn=die_with_parent)
        deadline = time.monotonic() + ready_seconds
        for line in self.process.stdout:
            self.output += line
            if line.startswith("Ctrl-C stops"):
                # Whoever does not read its log stops it in the end.
                self.reader = threading.Thread(target=self.read_on, daemon=True)
                self.reader.start()
                return
            if time.monotonic() > deadline:
                break
        self.kill()
        raise AssertionError(f"the server did not get ready:\n{self.output}")

    def read_on(self):
        for line in self.process.stdout:
            with self.more:
                self.output += line
                self.more.notify_all()

    def wait_for(self, text):
        """The first line with this text, once the server has written it."""
        with self.more:
            found = self.more.wait_for(lambda: text in self.output, READY_SECONDS)
            assert found, f"the server did not say {text!r}:\n{self.output}"
            return next(line for line in self.output.splitlines() if text in line)

    def stop(self):
        """SIGINT, as Ctrl-C sends it; the exit status."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop:\n{self.output}") from None
        self.reader.join()
        self.process.stdout.close()
        return self.process.returncode

    def kill(self):
        """SIGKILL: the database gets its death signal from the kernel."""
        self.process.kill()
        self.process.wait()
        if self.reader:
            self.reader.join()
        self.process.stdout.close()


def server_info(data_dir):
    with open(os.path.join(data_dir, "server.json"), encoding="utf-8") as file:
        return json.load(file)


def sql(data_dir, statement, user="ledgerline_service"):
    """The rows of a statement in the embedded database, as psql prints them."""
    socket = os.path.realpath(os.path.join(data_dir, "socket"))
    output, errors, status = run([PSQL, "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", socket, "-U", user, "-d", "ledgerline",
                                  "-c", statement])
    assert status == 0, errors
    return output.splitlines()


@contextlib.contextmanager
def locked(data_dir, statement):
    """What this statement locks in the embedded database is another session's meanwhile; closing its input ends that."""
    socket = os.path.realpath(os.path.join(data_dir, "socket"))
    with subprocess.Popen([PSQL, "-XqAt", "-h", socket, "-U", "postgres", "ledgerline"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdin.write(f"begin; {statement}; \\echo locked\n")
        other.stdin.flush()
        lines = iter(other.stdout.readline, "")
        assert "locked\n" in lines, "the session has ended"
        yield other


def run(command, **options):
    """Output and exit status of a command that must end."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
                          **options)
    return done.stdout, done.stderr, done.returncode
