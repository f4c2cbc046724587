"""SIP peers for tests: sipp with a scenario for each way in which a phone may behave."""
import os
import random
import socket
import subprocess
import time

HEADERS = """      [last_Via:]
      [last_From:]
      [last_To:]{tag}
      [last_Call-ID:]
      [last_CSeq:]
"""
FIRST = HEADERS.format(tag=";tag=[pid]SIPpTag01[call_number]")
LATER = HEADERS.format(tag="")
# The INVITE's final response after a CANCEL, whose headers are the last ones.
CANCELLED = FIRST.replace("[last_CSeq:]", "CSeq: [$cs] INVITE")
EMPTY = """      Contact: <sip:[local_ip]:[local_port];transport=[transport]>
      Content-Length: 0
"""
SDP = """      Contact: <sip:[local_ip]:[local_port];transport=[transport]>
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=user1 53655765 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0
      a=rtpmap:0 PCMU/8000
"""
AUDIO = "m=audio [0-9]+ RTP/AVP 0"
SILENT = "m=audio 9 RTP/AVP 0"
REFUSED = "m=audio 0 RTP/AVP 0"


def send(line, headers, body=EMPTY, repeat=False):
    attribute = ' retrans="500"' if repeat else ""
    return f"  <send{attribute}><![CDATA[\n\n      SIP/2.0 {line}\n{headers}{body}\n    ]]></send>\n"


def recv(request, body=None):
    check = ""
    if body:
        check = (f'<action><ereg regexp="{body}" search_in="body" check_it="true" assign_to="1"/>'
                 f'<log message="[$1]"/></action>')
    return f'  <recv request="{request}">{check}</recv>\n'


def recv_invite():
    """The first INVITE; keeps what later requests of this side and answers to a CANCEL need."""
    return """  <recv request="INVITE" rrs="true"><action>
    <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" check_it="true" assign_to="cs"/>
    <ereg regexp="[^;]*" search_in="hdr" header="To:" assign_to="to"/>
    <ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
    <log message="[$cs] [$to] [$from]"/>
  </action></recv>
"""


def request(method, number, body="      Content-Length: 0\n", answers=("200",)):
    """A request of this side in the dialog."""
    expected = "".join(f'  <recv response="{status}"{" optional=" + chr(34) + "true" + chr(34) if i + 1 < len(answers) else ""}>'
                       f"</recv>\n" for i, status in enumerate(answers))
    return f"""  <send retrans="500"><![CDATA[

      {method} [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: [$to];tag=[pid]SIPpTag01[call_number]
      To: [$from]
      [last_Call-ID:]
      CSeq: {number} {method}
      Max-Forwards: 70
      Contact: <sip:[local_ip]:[local_port];transport=[transport]>
{body}
    ]]></send>
""" + expected


def pause(milliseconds):
    return f'  <pause milliseconds="{milliseconds}"/>\n'


RING = recv_invite() + send("180 Ringing", FIRST)
ANSWER = RING + send("200 OK", FIRST, SDP, repeat=True)
BYE = recv("BYE") + send("200 OK", LATER)
BUSY_ACK = recv("ACK")

VIDEO_AFTER_AUDIO = 2  # sipp's ports of media

# Of the first party: its offer is answered with silence, then the other one's comes.
FIRST_CONNECTED = (ANSWER + recv("ACK", SILENT) + recv("INVITE", AUDIO) + send("200 OK", LATER, SDP, repeat=True)
                   + recv("ACK"))
# Of the second: its offer is answered in the ACK.
SECOND_CONNECTED = ANSWER + recv("ACK", AUDIO)
# Asked for an offer in the dialog, and answered in the ACK: on its way to the bridge.
MOVED = recv("INVITE") + send("200 OK", LATER, SDP, repeat=True) + recv("ACK", AUDIO)
SCENARIOS = {
    "first": FIRST_CONNECTED + BYE,
    "first_parked": ANSWER + recv("ACK", SILENT) + BYE,
    "first_hangs_up": FIRST_CONNECTED + pause(200) + request("BYE", 1),
    "second": SECOND_CONNECTED + BYE,
    "first_moved": FIRST_CONNECTED + MOVED + BYE,
    "second_moved": SECOND_CONNECTED + MOVED + BYE,
    "mixed": ANSWER + recv("ACK", AUDIO) + BYE,
    "mixed_moved": ANSWER + recv("ACK", AUDIO) + MOVED + BYE,
    "second_hangs_up": SECOND_CONNECTED + pause(200) + request("BYE", 1),
    "rings": RING + recv("CANCEL") + send("200 OK", FIRST)
             + send("487 Request Terminated", CANCELLED, repeat=True) + recv("ACK"),
    "answer_crosses_cancel": RING + recv("CANCEL") + send("200 OK", FIRST)
                             + send("200 OK", CANCELLED, SDP, repeat=True) + recv("ACK", REFUSED) + BYE,
    "refuses_offer": ANSWER + recv("ACK", SILENT) + recv("INVITE", AUDIO)
                     + send("488 Not Acceptable Here", LATER, repeat=True) + recv("ACK") + BYE,
    "glare": ANSWER + recv("ACK", SILENT) + recv("INVITE", AUDIO)
             + send("491 Request Pending", LATER, repeat=True) + recv("ACK")
             + recv("INVITE", AUDIO) + send("200 OK", LATER, SDP, repeat=True) + recv("ACK") + BYE,
    "unready": ANSWER + recv("ACK", SILENT) + recv("INVITE", AUDIO)
               + send("500 Server Internal Error", LATER + "      Retry-After: 5\n", repeat=True) + recv("ACK")
               + recv("INVITE", AUDIO) + send("200 OK", LATER, SDP, repeat=True) + recv("ACK") + BYE,
    "second_given_up": ANSWER + recv("ACK", REFUSED) + BYE,
    "holds": SECOND_CONNECTED + pause(200)
             + request("INVITE", 1, SDP.replace("Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n      ", "")
                       + "      a=sendonly\n", ("100", "200"))
             + """  <send><![CDATA[

      ACK [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: [$to];tag=[pid]SIPpTag01[call_number]
      To: [$from]
      [last_Call-ID:]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0

    ]]></send>
""" + request("INFO", 2, "      Content-Type: application/dtmf-relay\n      Content-Length: [len]\n\n      Signal=5\n")
             + request("BYE", 3),
    "held": FIRST_CONNECTED + recv("INVITE", "a=sendonly") + send("200 OK", LATER, SDP, repeat=True) + recv("ACK")
            + recv("INFO", "Signal=5") + send("200 OK", LATER) + BYE,
    "no_offer": RING + send("200 OK", FIRST, repeat=True) + recv("ACK") + BYE,
}
REFUSALS = {486: "Busy Here", 603: "Decline", 480: "Temporarily Unavailable", 404: "Not Found",
            500: "Server Internal Error", 488: "Not Acceptable Here"}


def refusal(status, rings):
    return ((RING if rings else recv_invite()) + send(f"{status} {REFUSALS[status]}", FIRST, repeat=True)
            + BUSY_ACK)


def free_port():
    """A port of UDP and TCP that nobody gets by chance before it is used: for connections the kernel gives out those from
    32768 on (ip_local_port_range)."""
    while True:
        port = random.randrange(22000, 29000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def free_media_port():
    """For sipp's audio, apart from signalling: its video gets VIDEO_AFTER_AUDIO more."""
    while True:
        port = random.randrange(29000, 32700, 2)
        with (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as audio,
              socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as video):
            try:
                audio.bind(("127.0.0.1", port))
                video.bind(("127.0.0.1", port + VIDEO_AFTER_AUDIO))
            except OSError:
                continue
            return port


def bound(port, transport="udp"):
    """Whether it is open: what comes earlier is answered by the kernel."""
    with open(f"/proc/net/{transport}", encoding="ascii") as file:
        return f":{port:04X} " in file.read()


class Peer:
    """One sipp that plays one scenario once."""

    def __init__(self, folder, name, steps, transport="u1", port=None):
        """`port`: its own; otherwise a free one is taken."""
        self.name = name
        self.transport = transport
        self.wanted_port = port
        # A free port may be taken between the probe and sipp's own bind: it ends at once, and others are tried.
        for _ in range(5):
            self.launch(folder, steps)
            deadline = time.monotonic() + 10
            while self.process.poll() is None and not self.bound():
                assert time.monotonic() < deadline, f"{name}: sipp does not start"
                time.sleep(0.01)
            if self.process.poll() is None:
                return
        raise AssertionError(f"{name}: sipp finds no ports")

    def launch(self, folder, steps):
        self.port = self.wanted_port or free_port()
        self.media_port = free_media_port()
        self.base = os.path.join(folder, f"{self.name}-{self.port}")
        with open(self.base + ".xml", "w", encoding="utf-8") as file:
            file.write('<?xml version="1.0" encoding="ISO-8859-1" ?>\n'
                       f'<scenario name="{self.name}">\n{steps}</scenario>\n')
        with open(self.base + ".out", "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                ["sipp", "-sf", self.base + ".xml", "-i", "127.0.0.1", "-p", str(self.port), "-mp", str(self.media_port),
                 "-t", self.transport, "-m", "1", "-l", "10", "-nostdin", "-timeout", "25s", "-timeout_error",
                 "-trace_err", "-error_file", self.base + ".err"],
                cwd=folder, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def bound(self):
        """Whether it has all its ports: those of media come last, and where it does not get them it ends."""
        return (bound(self.port, "tcp" if self.transport == "t1" else "udp")
                and bound(self.media_port + VIDEO_AFTER_AUDIO))

    @property
    def uri(self):
        return f"sip:{self.name}@127.0.0.1:{self.port}" + (";transport=tcp" if self.transport == "t1" else "")

    def finish(self):
        """What went wrong; nothing when the whole scenario was played."""
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.stop()
            status = "killed"
        if status == 0:
            return ""
        text = f"{self.name}: sipp ended with {status}"
        if os.path.exists(self.base + ".err"):
            with open(self.base + ".err", encoding="utf-8", errors="replace") as file:
                text += "\n" + file.read()[-3000:]
        return text

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
