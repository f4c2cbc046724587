#!/usr/bin/python3
"""Messages that are lost for good, and the time-outs that end it: no leg is left, whatever the peer does not say.

    sip_losses.py LEDGERLINE
"""
import os
import sys
import time
import unittest

from call_case import CallCase
from sip_user import SDP, SipUser

LEDGERLINE = os.path.abspath(sys.argv.pop(1))
SILENCE_SECONDS = 32  # 64*T1 (RFC 3261, 17)


class SipLosses(CallCase):
    program = LEDGERLINE
    settings = {"SIP_LIVENESS": "0ms", "SIP_SESSION_EXPIRES": "0ms"}

    def user(self, name):
        user = SipUser(f"{name}@outside.example", ("127.0.0.1", self.sip_port))
        self.addCleanup(user.close)
        return user

    def call(self):
        first, second = self.user("first"), self.user("second")
        call = self.v2.makeCall(callingParty=first.contact.strip("<>"), calledParty=second.contact.strip("<>"))
        return first, second, call

    def connected(self):
        """Both, the call, and the INVITEs that began their dialogs."""
        first, second, call = self.call()
        invite = first.invited()
        first.answer(invite)
        theirs = second.invited()
        second.reply(theirs, 200, "OK", SDP.format(port=second.port))
        first.answer(first.invited())
        self.acknowledged(second, theirs)
        self.until_status(call, "CallConnected")
        return first, second, call, invite, theirs

    @staticmethod
    def acknowledged(user, invite, seconds=10):
        return user.take(lambda m: m.method == "ACK" and m["Call-ID"] == invite["Call-ID"], seconds)

    @staticmethod
    def in_dialog(user, invite, method, sequence, body=""):
        user.send(user.request(method, invite["Contact"].strip("<>"), sequence, invite["Call-ID"], invite["From"],
                               "callee", body=body))

    def test_an_ack_that_was_lost_is_sent_again(self):
        first, second, call = self.call()
        invite = first.invited()
        for _ in range(3):
            first.reply(invite, 200, "OK", SDP.format(port=first.port))
            self.assertIn("a=inactive", self.acknowledged(first, invite).body)
        theirs = second.invited()
        second.reply(theirs, 200, "OK", SDP.format(port=second.port))
        again = first.invited()
        for _ in range(2):
            first.reply(again, 200, "OK", SDP.format(port=first.port))
            self.acknowledged(first, again)
        for _ in range(2):
            self.assertIn(f"m=audio {first.port} ", self.acknowledged(second, theirs).body)
            second.reply(theirs, 200, "OK", SDP.format(port=second.port))
        self.until_status(call, "CallConnected")
        self.v2.endCall(callIdentifier=call)
        for user in (first, second):
            user.expect_bye()

    def test_silence_in_every_place_ends_the_call(self):
        """All at once, as each takes half a minute."""
        # Nothing is answered at all.
        _, _, unheard = self.call()
        # The re-INVITE with the other one's offer is not answered, while that one waits for its ACK.
        stuck, waiting, half = self.call()
        stuck.answer(stuck.invited())
        theirs = waiting.invited()
        waiting.reply(theirs, 200, "OK", SDP.format(port=waiting.port))
        stuck.invited()
        # A hold is answered, and never acknowledged.
        holder, held, on_hold, invite, _ = self.connected()
        self.in_dialog(holder, invite, "INVITE", 1, SDP.format(port=holder.port) + "a=sendonly\r\n")
        held.answer(held.invited())
        holder.take(lambda m: m.status == 200 and m["CSeq"] == "1 INVITE")
        # A hold is not answered by the other one, who is gone.
        asking, gone, dead, invite, _ = self.connected()
        self.in_dialog(asking, invite, "INVITE", 1, SDP.format(port=asking.port) + "a=sendonly\r\n")
        gone.invited()
        # A BYE is not answered.
        silent, _, bye, _, _ = self.connected()
        self.v2.endCall(callIdentifier=bye)
        silent.take(lambda m: m.method == "BYE")

        # Before the 2xx that waits would be given up.
        refused = self.acknowledged(waiting, theirs, SILENCE_SECONDS)
        self.assertIn("m=audio 0 ", refused.body)
        waiting.expect_bye()
        self.assertEqual(asking.take(lambda m: m.status >= 200 and m["CSeq"] == "1 INVITE", SILENCE_SECONDS).status, 480)
        asking.expect_bye(SILENCE_SECONDS)  # nothing was heard of the other one
        for user in (holder, held):
            user.expect_bye(SILENCE_SECONDS + 10)
        deadline = time.monotonic() + SILENCE_SECONDS + 20
        while self.legs() > 0 and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertEqual(self.legs(), 0)
        self.until(lambda: self.query("select count(*) from calls where ended_at is null") == "0", "the records' ends")
        for call, cause in ((unheard, "not-reachable"), (half, "aborted"), (on_hold, "aborted"), (dead, "aborted"),
                            (bye, "hang-up")):
            self.assertEqual(self.query(f"select cause from calls where call_id = '{call}'"), cause)


if __name__ == "__main__":
    unittest.main()
