"""SIP messages that are nearly right: whole ones of every kind, and what chance makes of them."""
import random

SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
       "m=audio 9 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=fmtp:101 0-15\r\na=sendonly\r\n"
       "m=video 0 RTP/AVP 31\r\nb=AS:64\r\n")
METHODS = ("INVITE", "REGISTER", "OPTIONS", "BYE", "CANCEL", "ACK", "INFO", "UPDATE", "PRACK", "SUBSCRIBE", "NOTIFY", "REFER",
           "MESSAGE", "PUBLISH", "FROBNICATE")
# Headers that somebody reads: the stack, the server, or nobody yet.
HEADERS = (
    'Authorization: Digest username="bob", realm="ledgerline", nonce="{nonce}", uri="sip:{server}", '
    'response="0123456789abcdef0123456789abcdef", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"',
    'Proxy-Authorization: Digest username="bob", realm="x", nonce="1", uri="sip:x", response="1"',
    "Session-Expires: 1800;refresher=uac", "Min-SE: 90", "Supported: timer, path, 100rel", "Require: 100rel", "RSeq: 1",
    "RAck: 1 1 INVITE", "Expires: 60", "Contact: *", 'Contact: "x" <sip:bob@127.0.0.1:9;transport=udp>;q=0.5;expires=30',
    "Route: <sip:127.0.0.1:9;lr>", "Record-Route: <sip:127.0.0.1:9;lr>, <sip:a@127.0.0.1:9;lr>",
    "Path: <sip:e@127.0.0.1:9;lr>",
    "Privacy: id;critical", "P-Asserted-Identity: <sip:alice@example.com>", "Event: presence", "Refer-To: <sip:x@127.0.0.1:9>",
    "Replaces: a;to-tag=b;from-tag=c", "Allow: INVITE, UPDATE", "Accept: application/sdp", "Via: SIP/2.0/TCP 127.0.0.1:9",
    "Reason: Q.850;cause=16", "Date: Sun, 29 Nov 2026 12:00:00 GMT", "Content-Encoding: gzip", "Subject: s", "Max-Forwards: 0",
    "Identity: x", "Warning: 399 x \"y\"", "Timestamp: 1.5", "Retry-After: 1", "X-Other: \"y")
NUMBERS = (b"0", b"-1", b"1", b"65536", b"2147483648", b"4294967295", b"4294967296", b"18446744073709551616",
           b"99999999999999999999999999", b"1e9", b"0x10", b" ", b"")
PIECES = (b"\x00", b"\r\n", b"\n", b"\r\n ", b"\r\n\r\n", b'"', b"<", b">", b"<<<<<<<<", b";", b";;;;", b",", b":", b"=", b"@",
          b"%", b"%00", b"%zz", b"\\", b"\xff\xfe", b"\xc3\x28", b"sip:", b"sips:", b"tel:+1", b"[::1]", b"[", b"SIP/2.0",
          b"\t", b"?", b"*", b"(", b")", b";lr", b";tag=", b";branch=z9hG4bK")


class Mutations:
    def __init__(self, seed, server, kept=()):
        """`kept`: how lines begin that stay as they are in what belongs to a call."""
        self.random, self.server, self.kept, self.count = random.Random(seed), server, tuple(kept), 0
        self.nonce = "1"

    def stranger(self, transport="UDP"):
        """A request of nobody's, to anybody."""
        pick = self.random.choice
        self.count += 1
        number = self.count
        method = pick(METHODS)
        user = pick(("bob", "alice", "+15550002", "nobody", ""))
        uri = f"sip:{user}@{pick(('example.com', self.server))}" if user else f"sip:{self.server}"
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/{transport} 127.0.0.1:9;rport;branch=z9hG4bKf{number}",
                 f'From: "x" <sip:{pick(("bob", "alice", "f"))}@example.com>;tag=t{number}', f"To: <{uri}>",
                 f"Call-ID: fuzz-{number}@x", f"CSeq: {pick((1, 2, number))} {method}", "Max-Forwards: 70",
                 "Contact: <sip:f@127.0.0.1:9>"]
        return self.finished(lines, method)

    def in_dialog(self, call, port):
        """A request of a party of a call: `call` as its phone knows it."""
        pick = self.random.choice
        self.count += 1
        method = pick(METHODS[:8] + ("PRACK",))
        invite = call.invite
        lines = [f"{method} {invite['Contact'].strip('<>')} SIP/2.0",
                 f"Via: SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bKd{self.count}", f"From: {invite['To']};tag=phone",
                 f"To: {invite['From']}", f"Call-ID: {invite['Call-ID']}", f"CSeq: {pick((1, self.count))} {method}",
                 "Max-Forwards: 70", f"Contact: <sip:{call.user}@127.0.0.1:{port}>"]
        return self.finished(lines, method, self.kept)

    def answer(self, call):
        """A response that nobody waits for, or somebody does."""
        pick = self.random.choice
        invite = call.invite
        status = pick((100, 180, 183, 200, 202, 302, 401, 407, 421, 422, 481, 487, 491, 500, 603, 699, 0, 1000))
        lines = [f"SIP/2.0 {status} Fuzz", f"Via: {invite['Via']}", f"From: {invite['From']}",
                 f"To: {invite['To']};tag={pick(('phone', 'other'))}", f"Call-ID: {invite['Call-ID']}",
                 f"CSeq: {invite.sequence[0]} {pick(METHODS)}", f"Contact: <sip:{call.user}@127.0.0.1:9>",
                 'WWW-Authenticate: Digest realm="x", nonce="y", algorithm=MD5, qop="auth"', "RSeq: 1"]
        return self.finished(lines, "INVITE", self.kept)

    def finished(self, lines, method, kept=()):
        more = [header.format(nonce=self.nonce, server=self.server)
                for header in self.random.sample(HEADERS, self.random.randrange(5))]
        body = SDP if method in ("INVITE", "ACK", "UPDATE", "PRACK") and self.random.random() < 0.8 else ""
        if body:
            more.append("Content-Type: application/sdp")
        text = "\r\n".join([*lines, *more, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body
        return self.mutated(text.encode(), kept)

    def mutated(self, message, kept=()):
        """Some of it otherwise."""
        if self.random.random() < 0.1:
            return message
        lines = message.split(b"\r\n")
        for _ in range(self.random.randrange(1, 6)):
            at = self.random.randrange(len(lines))
            if not lines[at].startswith(kept):
                self.random.choice((self.change_bytes, self.change_number, self.insert_piece, self.remove_range,
                                    self.repeat_range, self.change_lines, self.lengthen))(lines, at)
        message = b"\r\n".join(lines)
        if not kept and self.random.random() < 0.05:
            message = message[:self.random.randrange(len(message) + 1)]
        return message[:60_000]

    def position(self, line):
        return self.random.randrange(len(line) + 1)

    def change_bytes(self, lines, at):
        line = bytearray(lines[at])
        for _ in range(self.random.randrange(1, 5)):
            if line:
                line[self.random.randrange(len(line))] = self.random.randrange(256)
        lines[at] = bytes(line)

    def change_number(self, lines, at):
        line = lines[at]
        digits = [i for i in range(len(line)) if line[i:i + 1].isdigit()]
        if digits:
            begin = end = self.random.choice(digits)
            while line[end:end + 1].isdigit():
                end += 1
            lines[at] = line[:begin] + self.random.choice(NUMBERS) + line[end:]

    def insert_piece(self, lines, at):
        place = self.position(lines[at])
        lines[at] = lines[at][:place] + self.random.choice(PIECES) * self.random.choice((1, 1, 2, 40)) + lines[at][place:]

    def remove_range(self, lines, at):
        begin = self.position(lines[at])
        lines[at] = lines[at][:begin] + lines[at][begin + self.random.randrange(1, 30):]

    def repeat_range(self, lines, at):
        begin = self.position(lines[at])
        piece = lines[at][begin:begin + self.random.randrange(1, 30)]
        lines[at] = lines[at][:begin] + piece * self.random.choice((2, 2, 50)) + lines[at][begin:]

    def change_lines(self, lines, at):
        what = self.random.randrange(4)
        other = self.random.randrange(len(lines))
        if what == 0:
            lines.insert(other, lines[at])
        elif what == 1 and len(lines) > 2:
            del lines[at]
        elif what == 2 and b":" in lines[at] and b":" in lines[other]:
            # One header's value under the other one's name.
            lines[at] = lines[at].split(b":", 1)[0] + b":" + lines[other].split(b":", 1)[1]
        else:
            lines[at], lines[other] = lines[other], lines[at]

    def lengthen(self, lines, at):
        place = self.position(lines[at])
        lines[at] = lines[at][:place] + self.random.choice((b"A", b"9", b";a=b", b"%41", b'"', b", <sip:a@b>")) * \
            self.random.choice((100, 1000, 5000)) + lines[at][place:]
