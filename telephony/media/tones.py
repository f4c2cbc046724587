#!/usr/bin/python3
"""Writes what bridges play, as Ogg Opus (RFC 7845): ringing.opus, 425 Hz for one second and silence for four (ETSI
TR 101 041); funds_end.opus, 1400 Hz for half a second and silence for as long.

    tones.py FOLDER

The files are part of the program's source; this is how they were made. It needs libopus.
"""
import ctypes
import math
import os
import struct
import sys

RATE, FRAME = 8000, 160
OPUS_APPLICATION_VOIP, OPUS_SET_BITRATE, OPUS_GET_LOOKAHEAD = 2048, 4002, 4027
GRANULES = 48000 // RATE  # Ogg Opus counts at 48 kHz


def crc(data):
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ 0x04C11DB7 if value & 0x80000000 else value << 1
        value &= 0xFFFFFFFF
    return value


def page(number, packets, granule, flags=0):
    sizes = b"".join(bytes([255] * (len(packet) // 255) + [len(packet) % 255]) for packet in packets)
    data = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, 1, number, 0, len(sizes)) + sizes + b"".join(packets)
    return data[:22] + struct.pack("<I", crc(data)) + data[26:]


def sample(at, frequency, on):
    """Without a click at either end."""
    gain = min(1.0, at / 80, max(0.0, (on * RATE - at) / 80))
    return int(6000 * gain * math.sin(2 * math.pi * frequency * at / RATE))


def write(path, frequency, on, seconds):
    """A tone that is heard for so many seconds of all."""
    opus = ctypes.CDLL("libopus.so.0")
    opus.opus_encoder_create.restype = ctypes.c_void_p
    error, lookahead = ctypes.c_int(), ctypes.c_int()
    encoder = ctypes.c_void_p(opus.opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, ctypes.byref(error)))
    assert error.value == 0
    opus.opus_encoder_ctl(encoder, OPUS_SET_BITRATE, ctypes.c_int(16000))
    opus.opus_encoder_ctl(encoder, OPUS_GET_LOOKAHEAD, ctypes.byref(lookahead))
    packets = []
    for start in range(0, seconds * RATE, FRAME):
        samples = (ctypes.c_short * FRAME)(*(sample(start + i, frequency, on) for i in range(FRAME)))
        packet = (ctypes.c_ubyte * 400)()
        size = opus.opus_encode(encoder, samples, FRAME, packet, len(packet))
        assert size > 0
        packets.append(bytes(packet[:size]))
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, lookahead.value * GRANULES, RATE, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 10) + b"ledgerline" + struct.pack("<I", 0)
    with open(path, "wb") as file:
        file.write(page(0, [head], 0, 2) + page(1, [tags], 0))
        for at in range(0, len(packets), 50):
            some = packets[at:at + 50]
            end = at + len(some)
            file.write(page(2 + at // 50, some, end * FRAME * GRANULES, 4 if end == len(packets) else 0))


def main():
    write(os.path.join(sys.argv[1], "ringing.opus"), 425, 1, 5)
    write(os.path.join(sys.argv[1], "funds_end.opus"), 1400, 0.5, 1)


if __name__ == "__main__":
    main()
