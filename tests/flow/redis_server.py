# SPDX-License-Identifier: Apache-2.0
"""A redis-server of a test's own: in a folder of its own, ended by its own process id."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from flow import wait_until

PROGRAM = shutil.which("redis-server")


def hold_port():
    """A socket with a port of its own, which nobody else is given; who asks for it by number and
    reuses addresses, as redis-server does, gets it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


class Redis:
    def __init__(self, *flags, prefix=(), password=None):
        self.folder = tempfile.mkdtemp(prefix="sluice-redis-")
        self.path = os.path.join(self.folder, "redis.sock")
        self.held = hold_port()  # also while the server is down
        self.port = self.held.getsockname()[1]
        self.flags, self.prefix, self.password = flags, list(prefix), password
        self.process = None
        self.start()

    def start(self):
        """Always empty: nothing is ever saved unless a flag says so."""
        command = self.prefix + [
            PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.path,
            "--dir", self.folder, "--save", "", "--logfile", "redis.log", *self.flags]
        if self.password:
            command += ["--requirepass", self.password]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        wait_until(self.answers, "an answer of redis-server")

    def answers(self):
        try:
            return self.ask("PING").startswith(b"+PONG")
        except OSError:
            return False

    def ask(self, *words):
        """The raw answer to one command, up to 64 KiB of it."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(self.path)
            if self.password:
                sock.sendall(encode("AUTH", self.password))
                sock.recv(65536)
            sock.sendall(encode(*words))
            return sock.recv(65536)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill()
        self.start()

    def close(self):
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()
        self.held.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def encode(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word.encode() if isinstance(word, str) else word
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)
