"""A stand: mock ERPs and a server on free loopback ports, with the calls that drive them.

The demonstration and the flow tests build on it. Standard library only. Everything started here is
ended by its own process id; data and logs lie in a scratch folder that is removed at the end.
"""
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
MODERN = "2026-07-28"
LEGACY = "2025-11-25"


class Fault(Exception):
    pass


def exchange(base, method, path, body=None, headers=None, timeout=130, trust=None):
    """(status, headers in lower case, bytes) of one HTTP exchange; `body` is bytes or JSON.

    `trust`: the ssl context of an https base.
    """
    url = urllib.parse.urlsplit(base)
    if url.scheme == "https":
        connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=timeout,
                                                 context=trust)
    else:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    fields = dict(headers or {})
    data = body
    if body is not None and not isinstance(body, bytes):
        data = json.dumps(body)
        fields.setdefault("Content-Type", "application/json")
    connection.request(method, url.path.rstrip("/") + path, body=data, headers=fields)
    reply = connection.getresponse()
    result = (reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
    connection.close()
    return result


def parse_reply(fields, raw, message_id=1):
    """The JSON-RPC message with that id, out of JSON or an event stream; None when none came."""
    if not fields.get("content-type", "").startswith("text/event-stream"):
        return json.loads(raw) if raw.strip() else None
    for line in raw.decode().splitlines():
        if line.startswith("data:"):
            message = json.loads(line[5:])
            if message.get("id") == message_id:
                return message
    return None


class Stand:
    def __init__(self, bin_dir, port=0, flags=(), log_path=None, server=None):
        """`server`: a program to run instead of the folder's own sluice."""
        self.bin = os.path.join(ROOT, bin_dir)
        self.server = os.path.join(ROOT, server) if server else os.path.join(self.bin, "sluice")
        self.port = port
        self.extra_flags = list(flags)
        self.runner = []  # words before the server's command: a profiler's, say
        self.processes = []  # (name, Popen), in the order of their start
        self.scratch = tempfile.mkdtemp(prefix="sluice-stand-")
        self.data_dir = os.path.join(self.scratch, "data")
        self.log_path = log_path or os.path.join(self.scratch, "sluice.log")
        self.base = self.admin_token = None
        self.trust = None  # an ssl context: the server speaks TLS
        self.mocks = {}

    # ---- processes ----

    def start(self, name, command, env=None, stderr=None):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr,
                                   stdin=subprocess.DEVNULL, text=True, cwd=ROOT,
                                   env=dict(os.environ, **(env or {})))
        self.processes.append((name, process))
        return process

    def start_mock(self, name, *flags, key=None):
        """Starts mock-<name>; what it prints about itself is mocks[key or name]."""
        key = key or name
        process = self.start("mock_" + key, [os.path.join(self.bin, "mock-" + name), *flags])
        line = process.stdout.readline()
        if not line:
            raise Fault("mock-%s did not start" % name)
        self.mocks[key] = dict(json.loads(line), pid=process.pid)
        return self.mocks[key]

    def command(self, *words, env=None, flags=None, stdin=None):
        """Runs sluice to its end, whatever comes of it."""
        flags = self.flags() if flags is None else flags
        return subprocess.run([self.server, *words, *flags],
                              capture_output=True, text=True, cwd=ROOT, timeout=120,
                              input=stdin if stdin is not None else "",
                              env=dict(os.environ, **(env or {})))

    def sluice(self, *words, env=None):
        result = self.command(*words, env=env)
        if result.returncode != 0:
            raise Fault("sluice %s: %s" % (" ".join(words), result.stderr.strip()))
        return result.stdout.strip()

    def flags(self):
        return ["--data_dir", self.data_dir, "--net.allow_cidrs", "127.0.0.1/32",
                "--net.allow_plain_http_hosts", "127.0.0.1", *self.extra_flags]

    def make_keys(self):
        os.mkdir(self.data_dir, 0o700)
        self.sluice("keygen")
        self.admin_token = self.sluice("token", "create", "--name", "stand", "--role", "admin")

    def start_server(self, env=None):
        if self.admin_token is None:
            self.make_keys()
        start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "a") as log:
            process = self.start("server", [*self.runner, self.server, "serve", "--server.port",
                                            str(self.port), *self.flags()],
                                 env=env, stderr=log)
        self.base = "http%s://127.0.0.1:%d" % ("s" if self.trust else "",
                                               self.wait_for_port(process, start))
        return process

    def wait_for_port(self, process, start):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for event in self.events(start):
                if event.get("event") == "listening":
                    return event["port"]
            if process.poll() is not None:
                break
            time.sleep(0.02)
        raise Fault("the server did not start: %s" % self.log_tail())

    def log_tail(self, characters=3000):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-characters:].strip()

    def events(self, start=0):
        """The log's lines, parsed, from that byte on; a line that is not whole yet is left out."""
        with open(self.log_path, errors="replace") as log:
            log.seek(start)
            lines = log.read().split("\n")[:-1]
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"event": "not_json", "text": line})
        return found

    def process(self, name):
        return [p for n, p in self.processes if n == name][-1]

    def end(self, name):
        """SIGTERM and the exit code."""
        process = self.process(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=60)

    def stop(self):
        for _, process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for _, process in reversed(self.processes):
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    # ---- the management API ----

    def api(self, method, path, body=None, token=None):
        """(status, parsed body)."""
        status, _, raw = exchange(self.base, method, path, body,
                                  {"Authorization": "Bearer " + (token or self.admin_token)},
                                  trust=self.trust)
        return status, json.loads(raw) if raw.strip() else None

    def admin(self, method, path, body=None):
        status, reply = self.api(method, path, body)
        if status >= 300:
            raise Fault("%s %s answered %d: %s" % (method, path, status, json.dumps(reply)))
        return reply

    def control(self, mock, method, path, body=None):
        _, _, raw = exchange(self.mocks[mock]["control_url"], method, path, body)
        return json.loads(raw) if raw.strip() else None

    def netsuite_account(self, tenant="demo", mock="netsuite", credentials=None, governor=None,
                         name="NetSuite (mock)"):
        """The body that connects an account of that mock."""
        at = self.mocks[mock]
        credentials = credentials or at
        body = {
            "tenant_id": tenant, "integration": "netsuite", "name": name,
            "connection": {"account_id": credentials["account_id"],
                           "base_urls": {"suitetalk": at["url"], "restlets": at["url"],
                                         "app": at["url"]}},
            "auth": {"scheme": "netsuite_tba", "consumer_key": credentials["consumer_key"],
                     "consumer_secret": credentials["consumer_secret"],
                     "token_id": credentials["token_id"],
                     "token_secret": credentials["token_secret"]}}
        if governor is not None:
            body["governor"] = governor
        return body

    def sap_account(self, tenant="demo", mock="sap", scheme="sap_xsuaa", governor=None,
                    name="SAP (mock)"):
        """The body that connects an account of that mock."""
        at = self.mocks[mock]
        auth = {"scheme": "sap_xsuaa", "token_url": at["token_url"],
                "client_id": at["client_id"], "client_secret": at["client_secret"]}
        connection = {"route": "direct", "base_url": at["url"]}
        if scheme == "basic":
            auth = {"scheme": "basic", "username": at["username"], "password": at["password"]}
            connection = {"route": "on_premise", "base_url": at["url"],
                          "sap_client": at["client"]}
        body = {"tenant_id": tenant, "integration": "sap", "name": name,
                "connection": connection, "auth": auth, "sap_api_policy_ack": True}
        if governor is not None:
            body["governor"] = governor
        return body

    def connect_sap(self, **options):
        return self.admin("POST", "/integrated-account", self.sap_account(**options))

    def connect_netsuite(self, **options):
        return self.admin("POST", "/integrated-account", self.netsuite_account(**options))

    def connect_conformance(self, tenant="demo"):
        """The server has to run with --integrations.enable conformance."""
        return self.admin("POST", "/integrated-account", {
            "tenant_id": tenant, "integration": "conformance", "name": "Conformance",
            "connection": {}, "auth": {"scheme": "none"}})

    def mint(self, account_id, config=None, **more):
        return self.admin("POST", "/integrated-account/%s/mcp" % account_id,
                          dict({"name": "agent", "config": config or {}}, **more))

    # ---- MCP ----

    def rpc(self, url, method, params=None, era="modern", headers=None, message_id=1,
            timeout=130):
        """(status, headers, message)."""
        split = urllib.parse.urlsplit(url)
        body = {"jsonrpc": "2.0", "id": message_id, "method": method}
        fields = {"Accept": "application/json, text/event-stream"}
        if era == "modern":
            params = dict(params or {})
            params["_meta"] = dict({"io.modelcontextprotocol/protocolVersion": MODERN,
                                    "io.modelcontextprotocol/clientCapabilities": {}},
                                   **params.get("_meta", {}))
            fields.update({"MCP-Protocol-Version": MODERN, "Mcp-Method": method})
            if method == "tools/call":
                fields["Mcp-Name"] = params["name"]
        else:
            fields["MCP-Protocol-Version"] = LEGACY
        if params is not None:
            body["params"] = params
        fields.update(headers or {})
        status, replied, raw = exchange("%s://%s" % (split.scheme, split.netloc), "POST",
                                        split.path, body, fields, timeout, self.trust)
        if status == 401:
            return status, replied, raw.decode()
        return status, replied, parse_reply(replied, raw, message_id)

    def tool(self, url, name, arguments=None, era="modern", **more):
        """(status, headers, result); the result is None when the reply is no result."""
        status, fields, message = self.rpc(
            url, "tools/call", {"name": name, "arguments": arguments or {}}, era, **more)
        result = message.get("result") if isinstance(message, dict) else None
        return status, fields, result

    def burst(self, url, calls, name="list_all_netsuite_customers", arguments=None):
        """That many calls at once; a list of what tool() gives."""
        results = []
        lock = threading.Lock()

        def one():
            outcome = self.tool(url, name, arguments or {"limit": 1})
            with lock:
                results.append(outcome)
        threads = [threading.Thread(target=one) for _ in range(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results
