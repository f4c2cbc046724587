"""A SIP user agent for tests over UDP or TCP: one socket, requests with digest, what comes as it comes.

Where sipp plays a whole scenario, this one looks at single messages: status codes, headers, who was told what.
"""
import hashlib
import re
import socket
import time
import uuid

SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")


class Message:
    def __init__(self, text, source=None):
        self.source = source
        head, _, self.body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.first = lines[0]
        self.headers = [(name.strip().lower(), value.strip())
                        for name, _, value in (line.partition(":") for line in lines[1:])]

    def every(self, name):
        return [value for header, value in self.headers if header == name.lower()]

    def __getitem__(self, name):
        return next(iter(self.every(name)), "")

    @property
    def status(self):
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else 0

    @property
    def method(self):
        return "" if self.status else self.first.split()[0]

    @property
    def sequence(self):
        number, method = self["CSeq"].split()
        return int(number), method

    def __repr__(self):
        return self.first


def digest_header(challenge, method, uri, user, password, count=1):
    parameters = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.partition(" ")[2]))
    hashed = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[parameters.get("algorithm", "MD5")]

    def of(text):
        return hashed(text.encode()).hexdigest()
    cnonce, nc = uuid.uuid4().hex, f"{count:08x}"
    response = of(":".join([of(f"{user}:{parameters['realm']}:{password}"), parameters["nonce"], nc, cnonce, "auth",
                            of(f"{method}:{uri}")]))
    return (f'Digest username="{user}", realm="{parameters["realm"]}", nonce="{parameters["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm={parameters.get("algorithm", "MD5")}, qop=auth, nc={nc}, '
            f'cnonce="{cnonce}"')


class SipUser:
    """`address`: of the user, without `sip:`. Requests go to the server at (host, port)."""

    def __init__(self, address, server, password=None, transport="udp", login=None):
        self.address, self.server, self.transport = address, server, transport
        self.login = login or address.partition("@")[0]
        self.password = password
        self.socket = socket.socket(socket.AF_INET,
                                    socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
        self.socket.bind(("127.0.0.1", 0))
        if transport == "tcp":
            self.socket.connect(server)
        self.port = self.socket.getsockname()[1]
        self.waiting, self.buffer = [], b""
        self.answered = set()  # requests that have a final response
        self.registration, self.register_sequence = uuid.uuid4().hex, 0
        self.challenge = ""
        self.uses = 0

    def close(self):
        self.socket.close()

    @property
    def contact(self):
        return f"<sip:{self.login}@127.0.0.1:{self.port};transport={self.transport}>"

    def send(self, text, to=None):
        data = text.encode()
        if self.transport == "udp":
            self.socket.sendto(data, to or self.server)
        else:
            self.socket.sendall(data)

    def read(self, deadline):
        self.socket.settimeout(max(0.01, deadline - time.monotonic()))
        source = None
        try:
            if self.transport == "udp":
                data, source = self.socket.recvfrom(65536)
            else:
                data = self.socket.recv(65536)  # TLS has nothing else
        except (TimeoutError, socket.timeout):
            return
        if self.transport == "udp":
            # Its media go to the same port: RTP, which nobody listens to, begins with version 2 (RFC 3550, 5.1).
            if data and data[0] >> 6 != 2:
                self.waiting.append(Message(data.decode(), source))
            return
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head).group(1))
            if len(rest) < length:
                return
            self.waiting.append(Message((head + b"\r\n\r\n" + rest[:length]).decode()))
            self.buffer = rest[length:]

    def take(self, wanted, seconds=10):
        """The first message that fits; others stay, for whoever waits for them."""
        deadline = time.monotonic() + seconds
        while True:
            for message in self.waiting:
                if wanted(message):
                    self.waiting.remove(message)
                    return message
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.address}: it did not come; there are {self.waiting}")
            self.read(deadline)

    def hears_nothing(self, wanted, seconds=0.3):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(deadline)
        return not any(wanted(message) for message in self.waiting)

    def request(self, method, uri, sequence, call_id, to, tag, headers=(), body="", branch=None):
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/{self.transport.upper()} 127.0.0.1:{self.port};rport;"
                 f"branch={branch or 'z9hG4bK' + uuid.uuid4().hex}",
                 f"From: <sip:{self.address}>;tag={tag}", f"To: {to}", f"Call-ID: {call_id}",
                 f"CSeq: {sequence} {method}", f"Contact: {self.contact}", *headers]
        if not any(line.startswith("Max-Forwards") for line in lines):
            lines.append("Max-Forwards: 70")
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def authorization(self, method, uri):
        self.uses += 1
        return "Authorization: " + digest_header(self.challenge, method, uri, self.login, self.password, self.uses)

    def register(self, *contacts, headers=(), address=None, sequence=None):
        """Answers of a REGISTER, challenged where there is a password; the last one is returned."""
        uri = f"sip:{self.server[0]}:{self.server[1]}"
        to = f"<sip:{address or self.address}>"
        given = [f"Contact: {contact}" for contact in contacts]
        for attempt in range(2):
            self.register_sequence = sequence or self.register_sequence + 1
            credentials = [self.authorization("REGISTER", uri)] if self.challenge else []
            text = self.request("REGISTER", uri, self.register_sequence, self.registration, to, "r",
                                [*headers, *given, *credentials])
            # Its own Contact header is the caller's business here.
            text = text.replace(f"Contact: {self.contact}\r\n", "", 1)
            self.send(text)
            number = self.register_sequence
            answer = self.take(lambda m: m.status >= 200 and m.sequence == (number, "REGISTER"))
            if answer.status != 401 or self.password is None or attempt:
                return answer
            self.challenge, self.uses = answer["WWW-Authenticate"], 0
        return answer

    def reply(self, request, status, phrase="", body="", tag="callee", headers=()):
        if status >= 200:
            self.answered.add((request["Call-ID"], request["CSeq"]))
        to = request["To"] if "tag=" in request["To"] else request["To"] + f";tag={tag}"
        lines = [f"SIP/2.0 {status} {phrase or status}", *(f"Via: {via}" for via in request.every("Via")),
                 *(f"Record-Route: {route}" for route in request.every("Record-Route")),
                 f"From: {request['From']}", f"To: {to}", f"Call-ID: {request['Call-ID']}",
                 f"CSeq: {request['CSeq']}", f"Contact: {self.contact}", *headers]
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        # To whom the request came from, who need not be where we are registered (RFC 3581).
        self.send("\r\n".join(lines) + "\r\n\r\n" + body, request.source)

    def invited(self, seconds=10):
        """An INVITE that has no answer; of one that was answered late there may be repetitions."""
        return self.take(lambda m: m.method == "INVITE" and (m["Call-ID"], m["CSeq"]) not in self.answered, seconds)

    def answer(self, invite, tag="callee"):
        """Takes the call; the 2xx is acknowledged when this returns."""
        self.reply(invite, 200, "OK", SDP.format(port=self.port), tag)
        self.take(lambda m: m.method == "ACK" and m["Call-ID"] == invite["Call-ID"])

    def expect_bye(self, seconds=10):
        bye = self.take(lambda m: m.method == "BYE", seconds)
        self.reply(bye, 200, "OK")

    def expect_cancel(self, invite, seconds=10):
        cancel = self.take(lambda m: m.method == "CANCEL" and m["Call-ID"] == invite["Call-ID"], seconds)
        self.reply(cancel, 200, "OK")
        self.reply(invite, 487, "Request Terminated")
        self.take(lambda m: m.method == "ACK" and m["Call-ID"] == invite["Call-ID"])

    def call(self, uri, headers=(), sdp=True):
        return OutgoingCall(self, uri, headers, SDP.format(port=self.port) if sdp else "")


class OutgoingCall:
    """A call that a user makes; challenged INVITEs are sent again."""

    def __init__(self, user, uri, headers, body):
        self.user, self.uri, self.headers, self.body = user, uri, list(headers), body
        self.id, self.tag, self.to = uuid.uuid4().hex, uuid.uuid4().hex[:8], f"<{uri}>"
        self.sequence = 0
        self.target = uri
        self.routes = []  # RFC 3261, 12.1.2
        self.answered = None
        self.invite()
        if user.password is not None:
            self.authenticate()

    def authenticate(self):
        first = self.take(lambda m: m.status > 100)
        if first.status != 401:
            self.user.waiting.insert(0, first)
            return
        self.acknowledge_failure(first)
        self.user.challenge, self.user.uses = first["WWW-Authenticate"], 0
        self.invite([self.user.authorization("INVITE", self.uri)])

    def acknowledge_failure(self, answer):
        self.user.send(self.user.request("ACK", self.uri, self.sequence, self.id, answer["To"], self.tag,
                                         branch=self.branch))

    def invite(self, credentials=()):
        self.sequence += 1
        self.branch = "z9hG4bK" + uuid.uuid4().hex
        self.user.send(self.user.request("INVITE", self.uri, self.sequence, self.id, f"<{self.uri}>", self.tag,
                                         [*self.headers, *credentials], self.body, self.branch))

    def take(self, wanted, seconds=10):
        return self.user.take(lambda m: m["Call-ID"] == self.id and wanted(m), seconds)

    def response(self, wanted=lambda status: status >= 200, seconds=10):
        """The next response to the INVITE that fits, or a final one, which is acknowledged."""
        answer = self.take(lambda m: m.status and m.sequence == (self.sequence, "INVITE") and
                           (wanted(m.status) or m.status >= 200), seconds)
        if answer.status >= 300:
            self.acknowledge_failure(answer)
        elif answer.status >= 200:
            self.answered = answer
            self.to = answer["To"]
            self.target = answer["Contact"].strip("<>")
            self.routes = ["Route: " + route for route in reversed(answer.every("Record-Route"))]
            self.acknowledge(self.sequence)
        return answer

    def acknowledge(self, number):
        self.user.send(self.user.request("ACK", self.target, number, self.id, self.to, self.tag, self.routes))

    def ringing(self, seconds=10):
        return self.response(lambda status: status == 180, seconds)

    def cancel(self):
        self.user.send(self.user.request("CANCEL", self.uri, self.sequence, self.id, f"<{self.uri}>", self.tag,
                                         branch=self.branch))
        return self.response(seconds=10)

    def ask(self, method, headers=(), body=""):
        """A request inside the dialog; its final response."""
        self.sequence += 1
        number = self.sequence
        self.user.send(self.user.request(method, self.target, number, self.id, self.to, self.tag,
                                         [*self.routes, *headers], body))
        answer = self.take(lambda m: m.status >= 200 and m.sequence == (number, method))
        if method == "INVITE":
            self.acknowledge(number)
        return answer

    def bye(self):
        return self.ask("BYE")
