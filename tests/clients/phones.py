"""Phones with real media: baresip that answers by itself, says one tone for ever and keeps what it hears."""
import glob
import json
import math
import os
import socket
import struct
import subprocess
import time
import wave

from sip_peers import bound, free_port

RATE = 8000
MODULES = "/usr/lib/baresip/modules"
CONFIG = """poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
call_local_timeout 120
call_max_calls 4
audio_path /usr/share/baresip
audio_player aubridge,player
audio_source aufile,{folder}/tone.wav
audio_alert aubridge,alert
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_level no
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
rtp_ports {media}-{media_end}
snd_path {folder}
module_path {modules}
module g711.so
module aubridge.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
"""


def write_tone(path, frequency, seconds=60):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(2 * math.pi * frequency * i / RATE)))
                                  for i in range(seconds * RATE)))


def amplitude(samples, frequency):
    """Of this frequency in them (Goertzel's sum)."""
    real = sum(value * math.cos(2 * math.pi * frequency * i / RATE) for i, value in enumerate(samples))
    imaginary = sum(value * math.sin(2 * math.pi * frequency * i / RATE) for i, value in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / max(1, len(samples))


class Phone:
    """One baresip. It answers every call at once."""
    modules = ""

    def __init__(self, folder, name, frequency):
        self.name = name
        self.frequency = frequency
        self.folder = os.path.join(folder, f"phone-{name}")
        os.mkdir(self.folder)
        write_tone(os.path.join(self.folder, "tone.wav"), frequency)
        for _ in range(5):
            self.launch()
            deadline = time.monotonic() + 20
            while self.process.poll() is None and not bound(self.port):
                assert time.monotonic() < deadline, f"{name}: baresip does not start"
                time.sleep(0.05)
            if self.process.poll() is None:
                return
        raise AssertionError(f"{name}: baresip finds no ports")

    def launch(self):
        self.port = free_port()  # its TLS would take the next one
        media = 20000 + self.port % 20000 // 2 * 2
        with open(os.path.join(self.folder, "config"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(port=self.port, folder=self.folder, media=media, media_end=media + 100,
                                     modules=MODULES) + self.modules)
        with open(os.path.join(self.folder, "accounts"), "w", encoding="utf-8") as file:
            file.write(self.account() + ";answermode=auto;audio_codecs=pcmu/8000/1\n")
        with open(os.path.join(self.folder, "output"), "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(["baresip", "-f", self.folder], stdout=output,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.folder)

    def account(self):
        return f"<sip:{self.name}@127.0.0.1:{self.port}>;regint=0"

    @property
    def uri(self):
        return f"sip:{self.name}@127.0.0.1:{self.port}"

    def heard(self, frequencies):
        """The loudness of each of these tones in the last half second of what came."""
        samples = []
        # One file for each call; the last one that was written to.
        for path in sorted(glob.glob(os.path.join(self.folder, "*-dec.wav")), key=os.path.getmtime):
            with open(path, "rb") as file:
                data = file.read()[44:]  # the header tells the length only at the end
            samples = list(struct.unpack(f"<{len(data) // 2}h", data[:len(data) // 2 * 2])) or samples
        samples = samples[-RATE // 2:]
        return {frequency: amplitude(samples, frequency) for frequency in frequencies}

    def hears(self, frequencies, among):
        """Whether it hears these of the tones, and no other."""
        heard = self.heard(among)
        return all((heard[frequency] > 1500) == (frequency in frequencies) for frequency in among)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


class RegisteredPhone(Phone):
    """One that is registered at a server, by login and password, and dials. `authorities`: a file, for TLS; then
    the server is an edge, and the address one of example.com."""

    def __init__(self, folder, name, frequency, server, transport="udp", authorities=None):
        self.server, self.transport, self.authorities = server, transport, authorities
        self.control = free_port()
        self.modules = f"module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{self.control}\n"
        if authorities:
            self.modules += f"sip_cafile {authorities}\n"
        super().__init__(folder, name, frequency)

    def account(self):
        server = f"{self.server[0]}:{self.server[1]};transport={self.transport}"
        address = f"<sip:{self.name}@{server}>"
        if self.authorities:
            address = f'<sip:{self.name}@example.com;transport={self.transport}>;outbound="sip:{server}"'
        return f"{address};auth_user={self.name};auth_pass={self.name};regint=60"

    def command(self, command, parameters=""):
        """One of baresip's own commands; its answer. The port may be opened a moment later than SIP's."""
        text = json.dumps({"command": command, "params": parameters, "token": "1"})
        deadline = time.monotonic() + 20
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", self.control), timeout=20)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, f"{self.name}: baresip takes no commands"
                time.sleep(0.05)
        with connection:
            connection.sendall(f"{len(text)}:{text},".encode())
            received = b""
            while b'"token":"1"' not in received.replace(b" ", b""):
                data = connection.recv(65536)
                assert data, f"{self.name}: {received}"
                received += data
        return received.decode(errors="replace")

    def dial(self, uri):
        return self.command("dial", uri)

    def hang_up(self):
        return self.command("hangup")
