#!/usr/bin/python3
"""Third-party calls under load: set up by wrk over SOAP, answered by two sipps, ended by the server.

    bench/calls.py LEDGERLINE [--rate N] [--seconds N] [--connections N] [--held N] [--json FILE]

Prints calls that were set up and torn down in a second, the time from the request to the connection, how long the
messages of a call lay with ledgerline (from a capture), memory for each held call, why calls failed, and the legs that
were left at the end, which must be none.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "clients"))

from call_capture import Capture, holding_ms  # noqa: E402
from server import Server, run, server_info  # noqa: E402
from sip_peers import SCENARIOS, VIDEO_AFTER_AUDIO, bound, free_media_port, free_port  # noqa: E402

# What stops nobody: the machine is to be the limit.
OPEN = {"CALL_CALLS_LIMIT": "1000000", "CALL_CALLS_PER_USER": "1000000", "CALL_STARTS_PER_SECOND": "1000000",
        "CALL_LINGER": "1s", "CALL_TRACE_MESSAGES": "0", "SIP_LIVENESS": "0ms", "SIP_SESSION_EXPIRES": "0ms",
        "MEDIA_BRIDGE": "off", "LOG_LEVEL": "warning"}


# As much as the kernel gives: what is lost for want of room comes again half a second later, and a lost ACK never does
# where sipp is meanwhile asked for something else.
BUFFER_BYTES = 4_000_000


def datagrams_lost():
    """For want of room in a receiver's buffer, on this machine since it runs."""
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, values = [line.split() for line in file if line.startswith("Udp:")]
    return int(values[names.index("RcvbufErrors")])


def thread_us(pid):
    """Processor time of each thread of a process, in microseconds. Of one that has ended nothing is known."""
    times = {}
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path, encoding="ascii") as file:
                times[path] = int(file.read().split()[0]) / 1000
        except OSError:
            continue
    return times


def descendants(pid):
    """Processes that it started, and what they started."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
    found = [pid]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found[1:]


class Peer:
    """One sipp that answers any number of calls."""

    def __init__(self, folder, name, steps=None):
        self.port, self.media_port = free_port(), free_media_port()
        path = os.path.join(folder, name + ".xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write('<?xml version="1.0" encoding="ISO-8859-1" ?>\n'
                       f'<scenario name="{name}">\n{steps or SCENARIOS[name]}</scenario>\n')
        self.output = open(os.path.join(folder, name + ".out"), "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["sipp", "-sf", path, "-i", "127.0.0.1", "-p", str(self.port), "-mp", str(self.media_port), "-l", "100000",
             "-buff_size", str(BUFFER_BYTES), "-nostdin"], cwd=folder, stdout=self.output, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL)
        self.uri = f"sip:{name}-%d@127.0.0.1:{self.port}"
        deadline = time.monotonic() + 30
        while not bound(self.media_port + VIDEO_AFTER_AUDIO):  # the last
            assert self.process.poll() is None and time.monotonic() < deadline, f"{name}: sipp does not start"
            time.sleep(0.01)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


class Run:
    """A server whose calls last this long, and its peers, with these scenarios by name (None: the usual one)."""

    def __init__(self, ledgerline, lasting, settings=None, peers=None):
        self.folder = tempfile.mkdtemp(prefix="ledgerline-calls-")
        os.chmod(self.folder, 0o755)
        self.ledgerline = ledgerline
        settings = dict(OPEN, CALL_MAX_DURATION=lasting, **(settings or {}))
        environment = dict(os.environ, **{"LEDGERLINE_" + name: value for name, value in settings.items()})
        self.sip_port = free_port()
        self.server = Server([ledgerline, "serve", "--demo", "--listen", "127.0.0.1:0",
                              "--sip-listen", f"127.0.0.1:{self.sip_port}"], self.folder, environment)
        info = server_info(os.path.join(self.folder, "var"))
        self.url = info["url"]
        peers = peers or {"first": None, "second": None}
        self.peers = [Peer(self.folder, name, steps) for name, steps in peers.items()]
        self.asked = self.refused = 0
        time.sleep(1)

    def load(self, seconds, connections, rate):
        """Makes calls for a time, so many a second (0: as fast as they are taken); how many were asked for. Those that
        the server has no time for get 503."""
        pause = round(1000 * connections / rate) if rate else 0
        done = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", os.path.join(HERE, "make_call.lua"),
             self.url + "/ParlayX/"], check=True, capture_output=True, text=True,
            env=dict(os.environ, CALLING=self.peers[0].uri, CALLED=self.peers[1].uri, PAUSE=str(pause),
                     FIRST=str(self.asked)))
        asked = int(next(line for line in done.stdout.splitlines() if "requests in" in line).split()[0])
        self.asked += asked + connections  # those under way at the end are not counted
        self.refused += sum(int(line.split(":")[1]) for line in done.stdout.splitlines() if "Non-2xx" in line)
        return asked

    def legs(self):
        with urllib.request.urlopen(self.url + "/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return int(next(line for line in lines if line.startswith("ledgerline_call_legs ")).split()[1])

    def resident(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) * 1024

    def command(self, *arguments):
        output, errors, status = run([self.ledgerline, *arguments], cwd=self.folder)
        assert status == 0, errors
        return output

    def threads(self):
        """Of the server, its database and its peers, with what they have used so far."""
        server = self.server.process.pid
        groups = {"server": [server], "database": descendants(server),
                  "peers": [peer.process.pid for peer in self.peers]}
        return {name: {thread: used for pid in pids for thread, used in thread_us(pid).items()}
                for name, pids in groups.items()}

    def query(self, text):
        return self.command("psql", "--", "-At", "-c", text).strip()

    def wait_for(self, look, seconds):
        deadline = time.monotonic() + seconds
        while not look() and time.monotonic() < deadline:
            time.sleep(0.1)

    def stop(self):
        for peer in self.peers:
            peer.stop()
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def percentile(values, part):
    return round(values[min(len(values) - 1, int(part * len(values)))], 2) if values else None


def churn(ledgerline, options):
    """Calls that end as soon as they are connected."""
    bench = Run(ledgerline, "1ms")
    capture = Capture(os.path.join(bench.folder, "calls.pcap"), bench.sip_port)
    lost, before = datagrams_lost(), bench.threads()
    try:
        bench.load(options.seconds, options.connections, options.rate)
        bench.wait_for(lambda: bench.legs() == 0, 120)
        bench.wait_for(lambda: bench.query("select count(*) from calls where ended_at is null") == "0", 30)
        used = {name: [after - before[name].get(thread, 0) for thread, after in threads.items()]
                for name, threads in bench.threads().items()}
        capture.stop()
        # Those that failed may end half a minute later: they are counted, and no more.
        asked, connected, took, p50, p99 = bench.query(
            "select count(*), count(started_at), "
            "extract(epoch from max(ended_at) filter (where started_at is not null) - min(created_at)), "
            "percentile_cont(0.5) within group (order by extract(epoch from started_at - created_at) * 1000), "
            "percentile_cont(0.99) within group (order by extract(epoch from started_at - created_at) * 1000) "
            "from calls").split("|")
        why = bench.query("select cause, count(*) from calls where started_at is null group by 1").splitlines()
        held_for = holding_ms(capture)
        return {"calls": int(asked), "connected": int(connected),
                "calls_per_second": round(int(connected) / float(took or 1), 1),
                "setup_ms_p50": round(float(p50 or 0), 2), "setup_ms_p99": round(float(p99 or 0), 2),
                "holding_ms_p50": percentile(held_for, 0.5), "holding_ms_p99": percentile(held_for, 0.99),
                "captured": len(held_for),
                **{f"{name}_us_per_call": round(sum(used[name]) / max(1, int(asked))) for name in used},
                # Its busiest thread is SIP's.
                "sip_thread_us_per_call": round(max(used["server"]) / max(1, int(asked))),
                "refused": bench.refused,
                "legs_left": bench.legs(),
                "datagrams_lost": datagrams_lost() - lost, "failed": dict(line.split("|") for line in why)}
    finally:
        capture.stop()
        bench.stop()


def held(ledgerline, options):
    """Calls that stay."""
    bench = Run(ledgerline, "10m")
    try:
        # What the first calls bring along is no call's own.
        bench.load(1, 1, 0)
        bench.wait_for(lambda: False, 2)
        before, legs_before = bench.resident(), bench.legs()
        while bench.legs() - legs_before < 2 * options.held:
            bench.load(1, 8, 400)
        bench.wait_for(lambda: False, 2)
        calls = (bench.legs() - legs_before) / 2
        return {"held": int(calls), "bytes_per_call": round((bench.resident() - before) / calls)}
    finally:
        bench.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("ledgerline")
    parser.add_argument("--rate", type=int, default=1000, help="calls asked for in a second; 0: as many as are taken")
    parser.add_argument("--seconds", type=int, default=10, help="of load")
    parser.add_argument("--connections", type=int, default=50, help="SOAP clients at once")
    parser.add_argument("--held", type=int, default=4000, help="calls at once, for the memory")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    ledgerline = os.path.abspath(options.ledgerline)
    figures = churn(ledgerline, options) | held(ledgerline, options)
    for name, value in figures.items():
        print(f"{name:20} {value}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file)
    return 1 if figures["legs_left"] else 0


if __name__ == "__main__":
    sys.exit(main())
