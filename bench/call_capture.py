"""How long ledgerline holds the messages of calls that it sets up, read from a capture of the loopback device."""
import re
import struct
import subprocess
import time

FRAME = re.compile(rb"\A(?:(\w+) sip:(?:[^ ]*)|SIP/2\.0 (\d+)[^\r]*)")
CALL_ID = re.compile(rb"\r\nCall-ID: *([^\r]+)")
CSEQ = re.compile(rb"\r\nCSeq: *(\d+) (\w+)")
TO = re.compile(rb"\r\nTo:[^\r]*sip:(first|second)-(\d+)@")


class Capture:
    """dumpcap on UDP from and to this port."""

    def __init__(self, path, port):
        self.path, self.port = path, port
        self.process = subprocess.Popen(["dumpcap", "-i", "lo", "-f", f"udp port {port}", "-P", "-B", "64", "-w", path],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        # It says where it writes once it captures.
        assert self.process.stderr.readline(), "dumpcap does not start"
        time.sleep(1)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate()

    def packets(self):
        """Seconds, whether we sent it, and the SIP message."""
        with open(self.path, "rb") as file:
            data = file.read()
        # libpcap's format: times with µs or ns, little-endian here.
        unit = 1e-9 if data[:4] == b"\x4d\x3c\xb2\xa1" else 1e-6
        at = 24
        while at + 16 <= len(data):
            seconds, fraction, size, _ = struct.unpack_from("<IIII", data, at)
            frame = data[at + 16:at + 16 + size]
            at += 16 + size
            udp = 14 + (frame[14] & 15) * 4
            source = struct.unpack_from(">H", frame, udp)[0]
            yield seconds + fraction * unit, source == self.port, frame[udp + 8:]


def first_times(packets):
    """By call and leg: when each message was first seen. `INVITE-1` is a request, `200-1` a response to it."""
    calls, legs = {}, {}
    for when, sent, message in packets:
        kind, call_id, cseq = FRAME.match(message), CALL_ID.search(message), CSEQ.search(message)
        if not kind or not call_id or not cseq or cseq.group(2) not in (b"INVITE", b"ACK"):
            continue
        leg = legs.get(call_id.group(1))
        if leg is None:
            to = TO.search(message)
            if not to or not sent:
                continue
            leg = legs[call_id.group(1)] = calls.setdefault(int(to.group(2)), {}).setdefault(to.group(1).decode(), {})
        # Our INVITEs are told apart by the order of their numbers.
        numbers = leg.setdefault("numbers", [])
        if cseq.group(1) not in numbers:
            numbers.append(cseq.group(1))
        name = (kind.group(1) or kind.group(2)).decode()
        leg.setdefault(f"{name}-{numbers.index(cseq.group(1)) + 1}", when)
    return calls


def holding_ms(capture):
    """Of each call that was connected: the time that its messages lay with us between the first 200 and the last ACK
    (the first party's 200 until the second one's INVITE; its 200 until the re-INVITE; that one's 200 until the last
    ACK). The peers' own time is not in it."""
    times = []
    for legs in first_times(capture.packets()).values():
        first, second = legs.get("first", {}), legs.get("second", {})
        try:
            times.append(1000 * ((second["INVITE-1"] - first["200-1"]) + (first["INVITE-2"] - second["200-1"])
                                 + (max(second["ACK-1"], first["ACK-2"]) - first["200-2"])))
        except KeyError:
            continue  # it failed, or the capture missed a packet
    return sorted(times)
