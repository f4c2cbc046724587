"""A SIP phone that many calls may be made to at once and that repeats itself as RFC 3261 says, over a wire that may lose
datagrams, each for itself, in either direction.

What it does with a call stands in the user part of the URI that is called: answers-1, leaves-2 (answers, and hangs up once
it is connected), busy-3, rings-4.
"""
import heapq
import random
import re
import socket
import threading
import time
import uuid

from sip_user import SDP, Message

T1_SECONDS, T2_SECONDS, PATIENCE_SECONDS = 0.5, 4, 32  # RFC 3261, 17
TALK_SECONDS = 0.2


class PhoneCall:
    def __init__(self, invite, user):
        self.invite, self.user = invite, user
        self.answered = 0  # INVITEs
        self.over = False


class PatientPhone:
    def __init__(self, server, loss=0.0, seed=0):
        """`loss`: the probability that a datagram gets lost."""
        self.server, self.loss, self.random = server, loss, random.Random(seed)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.passed = self.lost = 0
        self.calls = {}      # by Call-ID
        self.answers = {}    # by branch and method: what a request that is repeated gets again
        self.waiting = set()  # (Call-ID, CSeq number, method) of what is repeated until somebody answers
        self.timers = []
        self.acknowledged = {}  # user: bodies of the ACKs that came this far, heard or lost
        self.invited = set()    # users whose INVITE came this far
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def close(self):
        self.stopping = True
        self.thread.join()
        self.socket.close()

    def uri(self, user):
        return f"sip:{user}@127.0.0.1:{self.port}"

    def gets_through(self):
        if self.random.random() < self.loss:
            self.lost += 1
            return False
        self.passed += 1
        return True

    def run(self):
        while not self.stopping:
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                heapq.heappop(self.timers)[2]()
            pause = self.timers[0][0] - now if self.timers else 1
            self.socket.settimeout(min(max(pause, 0.001), 0.1))
            try:
                data, source = self.socket.recvfrom(65536)
            except (TimeoutError, socket.timeout):
                continue
            message = Message(data.decode(errors="replace"), source)
            self.note(message)
            if self.gets_through():
                self.received(message)

    def note(self, message):
        user = self.user_of(message)
        if message.method == "INVITE":
            self.invited.add(user)
        elif message.method == "ACK":
            self.acknowledged.setdefault(user, []).append(message.body)

    @staticmethod
    def user_of(message):
        found = re.match(r"\S+ sip:([^@]*)@", message.first)
        return found.group(1) if found else ""

    def after(self, seconds, work):
        heapq.heappush(self.timers, (time.monotonic() + seconds, uuid.uuid4().int, work))

    def send(self, text, to):
        if self.gets_through():
            self.socket.sendto(text.encode(), to)

    def send_until_answered(self, key, text, to):
        self.waiting.add(key)
        given_up = time.monotonic() + PATIENCE_SECONDS

        def again(pause):
            if key not in self.waiting:
                return
            if time.monotonic() > given_up:
                self.waiting.discard(key)
                return
            self.send(text, to)
            self.after(pause, lambda: again(min(2 * pause, T2_SECONDS)))
        again(T1_SECONDS)

    def received(self, message):
        number, method = message.sequence
        if message.status:
            if message.status >= 200:
                self.waiting.discard((message["Call-ID"], number, method))
            return
        if message.method == "ACK":
            self.waiting.discard((message["Call-ID"], number, "INVITE"))
            self.is_acknowledged(message)
            return
        known = self.answers.get(self.key(message))
        if known:
            self.send(known, message.source)
        else:
            self.asked(message)

    @staticmethod
    def key(request):
        return re.search(r"branch=([^;]*)", request["Via"]).group(1), request.method

    def asked(self, request):
        call = self.calls.get(request["Call-ID"])
        if request.method == "INVITE":
            self.rung(request, call)
            return
        self.reply(request, 200)
        if call and request.method == "CANCEL" and not call.answered:
            self.final(call.invite, call, 487)
        elif call and request.method == "BYE":
            call.over = True
            self.waiting = {key for key in self.waiting if key[0] != request["Call-ID"]}

    def rung(self, invite, call):
        if call is None:
            call = self.calls[invite["Call-ID"]] = PhoneCall(invite, self.user_of(invite))
            self.reply(invite, 180)
        behaviour = call.user.partition("-")[0]
        if behaviour == "busy":
            self.final(invite, call, 486)
        elif behaviour != "rings":
            self.final(invite, call, 200, SDP.format(port=self.port))

    def is_acknowledged(self, ack):
        """Who was called first is asked by a second INVITE to what the other one offers; then both are connected."""
        call = self.calls.get(ack["Call-ID"])
        if call and not call.over and call.user.startswith("leaves") and "a=inactive" not in ack.body:
            call.over = True
            self.after(TALK_SECONDS, lambda: self.hang_up(call))

    def hang_up(self, call):
        invite, number = call.invite, 1
        text = "\r\n".join([
            f"BYE {invite['Contact'].strip('<>')} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};rport;branch=z9hG4bK{uuid.uuid4().hex}",
            f"From: {invite['To']};tag=phone", f"To: {invite['From']}", f"Call-ID: {invite['Call-ID']}",
            f"CSeq: {number} BYE", "Max-Forwards: 70", "Content-Length: 0"]) + "\r\n\r\n"
        self.send_until_answered((invite["Call-ID"], number, "BYE"), text, self.server)

    def response(self, request, status, body=""):
        to = request["To"] if "tag=" in request["To"] else request["To"] + ";tag=phone"
        lines = [f"SIP/2.0 {status} Said", *(f"Via: {via}" for via in request.every("Via")),
                 f"From: {request['From']}", f"To: {to}", f"Call-ID: {request['Call-ID']}", f"CSeq: {request['CSeq']}",
                 f"Contact: <{self.uri(self.calls[request['Call-ID']].user)}>" if request["Call-ID"] in self.calls
                 else f"Contact: <sip:127.0.0.1:{self.port}>"]
        if body:
            lines.append("Content-Type: application/sdp")
        return "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body

    def reply(self, request, status):
        self.answers[self.key(request)] = text = self.response(request, status)
        self.send(text, request.source)

    def final(self, invite, call, status, body=""):
        call.answered += 1
        self.answers[self.key(invite)] = text = self.response(invite, status, body)
        self.send_until_answered((invite["Call-ID"], invite.sequence[0], "INVITE"), text, invite.source)
