#!/usr/bin/python3
"""Calls from outside under load: one sipp calls a registered user, whose telephone is another one.

    bench/inbound.py LEDGERLINE [--rate N] [--seconds N] [--json FILE]

Calls come at a fixed rate, first with rules that ask nobody, then with an application that is asked about each of them
and answers at once. Prints the calls that were connected and ended in a second, those that failed, how long the server
held an INVITE and a 200 on their way (from a capture), and what asking adds to that, the application's own time included;
and the server's processor time for a call, which is nearly the same on a busy machine as on a quiet one.
"""
import argparse
import asyncio
import csv
import glob
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request

from call_capture import Capture
from calls import BUFFER_BYTES, Run, datagrams_lost, percentile, thread_us

from sip_peers import ANSWER, BYE, free_media_port, free_port, recv  # noqa: E402
from sip_user import SipUser  # noqa: E402

BOB = "sip:bob@example.com"
PASSED_ON = re.compile(rb"\A(INVITE|SIP/2\.0 200) .*?\r\nFrom:[^\r]*carol-(\d+)@.*?\r\nCSeq: *\d+ INVITE", re.DOTALL)
DIRECTION = "http://www.csapi.org/schema/parlayx/call_direction/"
MANAGER = DIRECTION + "notification_manager/v3_1/local"
ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
CONTINUE = ENVELOPE.format(f'<d:handleCalledNumberResponse xmlns:d="{DIRECTION}v3_2/local"><d:result>'
                           "<actionToPerform>Continue</actionToPerform></d:result></d:handleCalledNumberResponse>").encode()
RESPONSE = (b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(CONTINUE)
            + CONTINUE)
CALLER = """  <send retrans="500"><![CDATA[

      INVITE sip:bob@example.com SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:carol-[call_number]@outside.example>;tag=[pid]SIPpTag00[call_number]
      To: <sip:bob@example.com>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:carol@[local_ip]:[local_port]>
      Max-Forwards: 70
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=carol 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0

    ]]></send>
  <recv response="100" optional="true"></recv>
  <recv response="180" optional="true"></recv>
  <recv response="200" rrs="true"></recv>
  <send><![CDATA[

      ACK [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:carol-[call_number]@outside.example>;tag=[pid]SIPpTag00[call_number]
      [last_To:]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0

    ]]></send>
  <send retrans="500"><![CDATA[

      BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:carol-[call_number]@outside.example>;tag=[pid]SIPpTag00[call_number]
      [last_To:]
      Call-ID: [call_id]
      CSeq: 2 BYE
      Max-Forwards: 70
      Content-Length: 0

    ]]></send>
  <recv response="200"></recv>
"""


class Application(threading.Thread):
    """Says Continue to every question, over connections that stay."""

    def __init__(self):
        super().__init__(daemon=True)
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.asked = 0
        self.start()
        self.ready.wait()

    def run(self):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        self.ready.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                self.asked += 1
                writer.write(RESPONSE)
        except asyncio.IncompleteReadError:
            writer.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join()


def holding_ms(capture):
    """From a message's arrival to its going out again, of each call: INVITE, and 200."""
    seen = {}
    for when, sent, message in capture.packets():
        if found := PASSED_ON.match(message):
            seen.setdefault((found.group(1), found.group(2), sent), when)
    return {name: sorted(1000 * (when - seen[kind, call, False]) for (kind, call, sent), when in seen.items()
                         if sent and kind == first and (kind, call, False) in seen)
            for name, first in (("invite", b"INVITE"), ("answer", b"SIP/2.0 200"))}


class Inbound(Run):
    def __init__(self, ledgerline):
        super().__init__(ledgerline, "10m", {"SIP_TRUSTED_PEERS": "127.0.0.0/8", "CALL_INBOUND_LIMIT": "1000000"},
                         {"bob": ANSWER + recv("ACK") + BYE})
        bob = SipUser("bob@example.com", ("127.0.0.1", self.sip_port), "bob")
        answer = bob.register(f"<{self.peers[0].uri % 0}>")
        assert answer.status == 200, answer
        bob.close()
        self.command("rule", "set", BOB, "others", "--reject", "403", "--calling", "sip:mallory@*")
        self.command("rule", "set", BOB, "busy", "--redirect", "sip:alice@example.com", "--stage", "busy")

    def processor_ms(self):
        """That the server has used, without its PostgreSQL."""
        return sum(thread_us(self.server.process.pid).values()) / 1000

    def ask(self, url):
        """From now on an application is asked about every call."""
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, self.url, "demo-app", "demo-app", is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPBasicAuthHandler(passwords))
        start = (f'<m:startCallDirectionNotification xmlns:m="{MANAGER}"><m:reference><endpoint>{url}</endpoint>'
                 "<interfaceName>CallDirection</interfaceName><correlator>bench</correlator></m:reference>"
                 f"<m:addresses>{BOB}</m:addresses><m:criteria>CalledNumber</m:criteria>"
                 "</m:startCallDirectionNotification>")
        request = urllib.request.Request(self.url + "/ParlayX/", ENVELOPE.format(start).encode(),
                                         {"Content-Type": "text/xml; charset=utf-8"})
        opener.open(request, timeout=30).close()

    def calls(self, rate, seconds):
        """What became of calls at this rate."""
        path = os.path.join(self.folder, "caller.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="caller">\n{CALLER}</scenario>\n')
        for old in glob.glob(os.path.join(self.folder, "caller_*")):
            os.remove(old)
        asked = rate * seconds
        lost, used = datagrams_lost(), self.processor_ms()
        capture = Capture(os.path.join(self.folder, "calls.pcap"), self.sip_port)
        subprocess.run(["sipp", "-sf", path, "-i", "127.0.0.1", "-p", str(free_port()), "-mp", str(free_media_port()),
                        "-r", str(rate), "-m", str(asked), "-l", "100000", "-buff_size", str(BUFFER_BYTES),
                        "-nostdin", "-timeout", f"{seconds + 60}s", "-trace_stat", "-fd", "1", f"127.0.0.1:{self.sip_port}"],
                       cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        used = self.processor_ms() - used
        capture.stop()
        held = holding_ms(capture)
        [statistic] = [name for name in glob.glob(os.path.join(self.folder, "caller_*_.csv"))]
        with open(statistic, encoding="utf-8") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        hours, minutes, rest = last["ElapsedTime(C)"].split(":")[:3]
        took = int(hours) * 3600 + int(minutes) * 60 + float(rest)
        connected = int(last["SuccessfulCall(C)"])
        return {"calls": asked, "connected": connected, "failed": asked - connected,
                "datagrams_lost": datagrams_lost() - lost,
                "calls_per_second": round(connected / took, 1), "retransmissions": int(last["Retransmissions(C)"]),
                "processor_ms_per_call": round(used / asked, 3),
                **{f"{name}_held_ms_p{part}": percentile(values, part / 100)
                   for name, values in held.items() for part in (50, 99)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("ledgerline")
    parser.add_argument("--rate", type=int, default=500, help="calls in a second")
    parser.add_argument("--seconds", type=int, default=10, help="of load, twice")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    bench = Inbound(os.path.abspath(options.ledgerline))
    application = Application()
    try:
        bench.calls(50, 1)  # what the first calls bring along is no call's own
        plain = bench.calls(options.rate, options.seconds)
        bench.ask(application.url)
        bench.calls(50, 1)
        before = application.asked
        asking = bench.calls(options.rate, options.seconds)
        figures = {"asking_nobody": plain, "asking": asking | {"asked": application.asked - before},
                   "added_ms_p50": round(asking["invite_held_ms_p50"] - plain["invite_held_ms_p50"], 2),
                   "added_ms_p99": round(asking["invite_held_ms_p99"] - plain["invite_held_ms_p99"], 2)}
        bench.wait_for(lambda: bench.legs() == 0, 60)
        figures["legs_left"] = bench.legs()
    finally:
        bench.stop()
        application.stop()
    print(json.dumps(figures, indent=2))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file)
    return 1 if figures["legs_left"] or plain["failed"] or asking["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
