# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks, and the signature that openssl makes of what it got. Standard library only."""
import base64
import http.server
import json
import subprocess
import threading

from flow import PATIENCE


class Receiver:
    """An HTTP server that keeps what it gets; `answers` says with what status, in order."""

    def __init__(self):
        receiver = self
        self.got = []  # (headers in lower case, body)
        self.answers = []  # then 204
        self.gate = threading.Event()  # no answer before it is set
        self.gate.set()
        self.headers = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fields = {k.lower(): v for k, v in self.headers.items()}
                fields[":path"] = self.path
                receiver.got.append((fields, body))
                receiver.gate.wait(PATIENCE)
                try:
                    self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                    for name, value in receiver.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # the server gave up on us

            def do_GET(self):
                receiver.got.append(({":path": "GET " + self.path}, b""))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/hook" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def events(self):
        return [json.loads(body) for _, body in list(self.got)]

    def of(self, kind, account=None):
        return [e for e in self.events() if e["type"] == kind and
                (account is None or e["data"]["account_id"] == account)]


def sign(secret, fields, body):
    """The signature that openssl makes of a delivery."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    text = b".".join([fields["webhook-id"].encode(), fields["webhook-timestamp"].encode(), body])
    result = subprocess.run(["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt",
                             "hexkey:" + key.hex(), "-binary"], input=text,
                            capture_output=True, check=True)
    return "v1," + base64.b64encode(result.stdout).decode()
