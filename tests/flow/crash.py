# SPDX-License-Identifier: Apache-2.0
"""Writers that know what was acknowledged to them, and the two looks at what is stored.

A writer has one request on the way at most. What it was told is in its books; what it was not told
any more is its one open change, which afterwards has happened as a whole or not at all.
"""
import http.client
import json
import random
import sqlite3
import threading
import time
import urllib.parse

from flow import address

NETSUITE_CALL = ("list_all_netsuite_customers", {"limit": 1})
SAP_CALL = ("list_all_sap_vendors", {"limit": 1})
SECRETS = {"netsuite_tba": {"consumer_key", "consumer_secret", "token_id", "token_secret"},
           "sap_xsuaa": {"client_secret"}, "basic": {"username", "password"}}
PLAIN = {"netsuite_tba": (), "sap_xsuaa": ("token_url", "client_id"), "basic": ()}


class Gone(Exception):
    """The server died under the request: nobody knows what became of it."""


class Wrong(AssertionError):
    """What is stored is not what was acknowledged."""


def expect(condition, text, *values):
    if not condition:
        raise Wrong(text % values)


# ---- What is on the way ----

class Killer:
    """Ends the server once, at the chosen point: after some time, or at the n-th request that was
    sent or answered, there and then in the thread that saw it."""

    def __init__(self, kill, dice):
        self.kill = kill
        self.how = dice.choice(("delay", "sent", "sent", "answered", "answered"))
        self.left = dice.randrange(1, 60)
        self.delay = dice.uniform(0, 0.1 if self.how == "delay" else 0.002)
        self.later = self.how == "delay" or dice.random() < 0.5
        self.lock = threading.Lock()
        self.fired = threading.Event()

    def saw(self, what):
        with self.lock:
            if what != self.how or self.fired.is_set():
                return
            self.left -= 1
            if self.left == 0:
                self.fire()

    def fire(self):
        if self.later:
            end = time.monotonic() + self.delay
            while time.monotonic() < end:
                pass
        self.kill()
        self.fired.set()

    def wait(self):
        if self.how == "delay":
            time.sleep(self.delay)
            self.later = False
            with self.lock:
                self.fire()
        if not self.fired.wait(60):
            raise AssertionError("no point to kill at was reached in 60 s")


class Line:
    """One connection that stays open, and the bearer of its requests."""

    def __init__(self, base, token, killer=None):
        self.connection = http.client.HTTPConnection(*address(base), timeout=60)
        self.token = token
        self.killer = killer

    def send(self, method, path, body=None, token=None):
        data = None if body is None else json.dumps(body).encode()
        fields = {"Authorization": "Bearer " + (token or self.token),
                  "Accept": "application/json, text/event-stream"}
        if data is not None:
            fields["Content-Type"] = "application/json"
        try:
            self.connection.request(method, path, data, fields)
            if self.killer:
                self.killer.saw("sent")
            reply = self.connection.getresponse()
            raw = reply.read()
        except (OSError, http.client.HTTPException) as fault:
            raise Gone() from fault
        if self.killer:
            self.killer.saw("answered")
        is_json = "json" in (reply.getheader("Content-Type") or "")
        return reply.status, json.loads(raw) if is_json else None

    def call(self, token, name, arguments):
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                   "params": {"name": name, "arguments": arguments}}
        return self.send("POST", "/mcp/" + token, message)

    def close(self):
        self.connection.close()


# ---- Books ----

class Account:
    def __init__(self, shown, auth, proven):
        self.id = shown["id"]
        self.name, self.governor = shown["name"], shown["governor"]
        self.integration = shown["integration"]
        self.auth = auth
        self.overrides = shown.get("overrides") or {}
        self.proven = proven  # None: a call may have proved it meanwhile
        self.servers = {}

    def like(self, shown):
        scheme = self.auth["scheme"]
        plain = {"scheme": scheme, **{n: self.auth[n] for n in PLAIN[scheme]}}
        return (shown["name"] == self.name and shown["governor"] == self.governor and
                shown["auth"] == plain and shown["state"] == "active" and
                shown["overrides"] == self.overrides and
                self.proven in (None, shown["verified"]))


class Server:
    def __init__(self, shown, tokens):
        self.id = shown["id"]
        self.tokens = tokens
        self.update(shown)

    def update(self, shown):
        self.name, self.config = shown["name"], shown["config"]
        self.expires_at = shown["expires_at"]

    def like(self, shown):
        return (shown["name"], shown["config"], shown["expires_at"]) == (
            self.name, self.config, self.expires_at)


class Writer:
    """One client with a tenant of its own."""

    def __init__(self, number, seed, logins):
        self.tenant = "crash-%d" % number
        self.dice = random.Random("%s writer %d" % (seed, number))
        self.logins = logins  # integration -> list of (connection, auth)
        self.accounts, self.tokens = {}, {}
        self.ceiling, self.environment = None, {}
        self.dead_urls, self.dead_tokens = [], []
        self.open = None  # (what, book, values) of the one change without an answer
        self.touched = set()
        self.named = self.answered = 0
        self.fault = None

    # -- one request --

    def change(self, line, what, book, values, method, path, body=None):
        """Sends a write; the books are the caller's to bring up to date."""
        self.open = (what, book, values)
        status, reply = line.send(method, path, body)
        self.open = None
        self.answered += 1
        return status, reply

    def new_name(self):
        self.named += 1
        return "%s/%d" % (self.tenant, self.named)

    def work(self, line):
        try:
            while True:
                self.dice.choices(*zip(*self.choices()))[0](line)
        except Gone:
            pass
        except Exception as fault:  # pylint: disable=broad-except
            self.fault = fault
        finally:
            line.close()

    def choices(self):
        accounts, servers = len(self.accounts), len(list(self.all_servers()))
        yield self.create_account, 4 if accounts < 4 else 0
        yield self.change_account, 5 if accounts else 0
        yield self.delete_account, accounts
        yield self.create_server, 3 if accounts and servers < 8 else 0
        yield self.change_server, 3 if servers else 0
        yield self.rotate_server, 3 if servers else 0
        yield self.delete_server, 2 if servers else 0
        yield self.create_token, 2 if len(self.tokens) < 4 else 0
        yield self.delete_token, 1 if self.tokens else 0
        yield self.set_ceiling, 1
        yield self.set_environment, 1
        yield self.call, 2 if servers else 0

    def all_servers(self):
        for account in self.accounts.values():
            for server in account.servers.values():
                yield account, server

    def some_account(self):
        return self.dice.choice(list(self.accounts.values()))

    def some_server(self):
        return self.dice.choice(list(self.all_servers()))

    # -- accounts --

    def limits(self):
        return {"ceiling": self.dice.randrange(1, 9), "queue_limit": self.dice.randrange(20, 99)}

    def create_account(self, line):
        integration = self.dice.choice(list(self.logins))
        connection, auth = self.dice.choice(self.logins[integration])
        verify = self.dice.random() < 0.2
        body = {"tenant_id": self.tenant, "integration": integration, "name": self.new_name(),
                "connection": connection, "auth": auth, "governor": self.limits()}
        if integration == "sap":
            body["sap_api_policy_ack"] = True
        status, reply = self.change(line, "create account", None, (body, verify), "POST",
                                    "/integrated-account" + ("" if verify else "?verify=false"),
                                    body)
        expect(status == 201, "creating an account answered %s: %s", status, reply)
        self.accounts[reply["id"]] = Account(reply, auth, verify)
        self.touched.add(reply["id"])

    def change_account(self, line):
        account = self.some_account()
        values = {}
        while not values:
            if self.dice.random() < 0.4:
                values["name"] = self.new_name()
            if self.dice.random() < 0.4:
                values["governor"] = self.limits()
            if self.dice.random() < 0.3:
                values["overrides"] = {"instructions": {account.integration: self.new_name()}}
            if self.dice.random() < 0.6:
                values["auth"] = self.dice.choice(self.logins[account.integration])[1]
        status, reply = self.change(line, "change account", account, values, "PATCH",
                                    "/integrated-account/" + account.id, values)
        if status == 409:
            return  # the proof of a call came between
        expect(status == 200, "changing an account answered %s: %s", status, reply)
        self.put_account(account, values)

    def put_account(self, account, values):
        account.name = values.get("name", account.name)
        account.governor = values.get("governor", account.governor)
        account.overrides = values.get("overrides", account.overrides)
        if "auth" in values:
            account.auth, account.proven = values["auth"], False
        self.touched.add(account.id)

    def delete_account(self, line):
        if self.dice.random() < 0.7:
            return
        account = self.some_account()
        status, reply = self.change(line, "delete account", account, None, "DELETE",
                                    "/integrated-account/" + account.id)
        expect(status == 204, "deleting an account answered %s: %s", status, reply)
        self.drop_account(account)

    def drop_account(self, account):
        for server in account.servers.values():
            self.dead_urls += server.tokens
        del self.accounts[account.id]

    # -- MCP servers --

    def create_server(self, line):
        account = self.some_account()
        body = {"name": self.new_name(), "expires_at": self.dice.choice((
                    None, "2099-01-31T12:00:00Z"))}
        status, reply = self.change(line, "create server", account, body, "POST",
                                    "/integrated-account/%s/mcp" % account.id, body)
        expect(status == 201, "creating an MCP server answered %s: %s", status, reply)
        account.servers[reply["id"]] = Server(reply, [token_of(reply["url"])])
        self.touched.add(reply["id"])

    def change_server(self, line):
        account, server = self.some_server()
        values = {"name": self.new_name(),
                  "config": {"methods": [self.dice.choice(("read", "list"))]},
                  "expires_at": "20%d-01-31T12:00:00Z" % self.dice.randrange(30, 99)}
        status, reply = self.change(line, "change server", server, values, "PATCH",
                                    "/integrated-account/%s/mcp/%s" % (account.id, server.id),
                                    values)
        expect(status == 200, "changing an MCP server answered %s: %s", status, reply)
        server.update(values)
        self.touched.add(server.id)

    def rotate_server(self, line):
        """Half of them leave the old URL a long overlap, half none."""
        account, server = self.some_server()
        overlap = self.dice.choice((0, 3600))
        path = "/integrated-account/%s/mcp/%s/rotate" % (account.id, server.id)
        status, reply = self.change(line, "rotate server", server, overlap, "POST", path,
                                    {"overlap_seconds": overlap})
        expect(status == 200, "rotating an MCP server answered %s: %s", status, reply)
        if overlap == 0:
            self.dead_urls += server.tokens
            server.tokens = []
        server.tokens = server.tokens[-1:] + [token_of(reply["url"])]
        self.touched.add(server.id)

    def delete_server(self, line):
        account, server = self.some_server()
        status, reply = self.change(line, "delete server", server, account, "DELETE",
                                    "/integrated-account/%s/mcp/%s" % (account.id, server.id))
        expect(status == 204, "revoking an MCP server answered %s: %s", status, reply)
        self.drop_server(account, server)

    def drop_server(self, account, server):
        self.dead_urls += server.tokens
        del account.servers[server.id]

    def call(self, line):
        account, server = self.some_server()
        if not server.tokens:
            return
        name, arguments = NETSUITE_CALL if account.integration == "netsuite" else SAP_CALL
        account.proven = None
        status, reply = line.call(server.tokens[-1], name, arguments)
        expect(status == 200 and not reply["result"].get("isError"), "a call answered %s: %s",
               status, reply)

    # -- tokens and ceilings --

    def create_token(self, line):
        body = {"name": self.new_name(), "role": "tenant", "tenant_id": self.tenant}
        status, reply = self.change(line, "create token", None, body, "POST", "/api-token", body)
        expect(status == 201, "creating a token answered %s: %s", status, reply)
        self.tokens[reply["id"]] = (body["name"], reply["token"])
        self.touched.add(reply["id"])

    def delete_token(self, line):
        number = self.dice.choice(list(self.tokens))
        status, reply = self.change(line, "delete token", number, None, "DELETE",
                                    "/api-token/" + number)
        expect(status == 204, "deleting a token answered %s: %s", status, reply)
        self.dead_tokens.append(self.tokens.pop(number)[1])

    def set_ceiling(self, line):
        ceiling = self.dice.choice((None, self.dice.randrange(20, 99)))
        status, reply = self.change(line, "set ceiling", None, ceiling, "PATCH",
                                    "/tenant/" + self.tenant, {"governor": {"ceiling": ceiling}})
        expect(status == 200, "setting a ceiling answered %s: %s", status, reply)
        self.ceiling = ceiling


    def set_environment(self, line):
        overrides = {"instructions": {"sap": self.new_name()}}
        status, reply = self.change(line, "set environment", None, overrides, "PUT",
                                    "/environment/%s/overrides" % self.tenant, overrides)
        expect(status == 200, "setting overrides answered %s: %s", status, reply)
        self.environment = overrides


def token_of(url):
    return url.rsplit("/", 1)[1]


# ---- The look through the API ----

def pages(line, path):
    cursor, found = "", []
    while cursor is not None:
        joint = "&" if "?" in path else "?"
        status, reply = line.send("GET", "%s%slimit=200&cursor=%s" % (
            path, joint, urllib.parse.quote(cursor)))
        expect(status == 200, "GET %s answered %s: %s", path, status, reply)
        found += reply["data"]
        cursor = reply["next_cursor"]
    return {one["id"]: one for one in found}


class Audit:
    """Holds what the server shows against a writer's books; settles its open change."""

    def __init__(self, line, writer, tokens):
        self.line, self.writer, self.all_tokens = line, writer, tokens
        self.what, self.book, self.values = writer.open or (None, None, None)

    def run(self):
        writer = self.writer
        self.accounts()
        for account in list(writer.accounts.values()):
            self.servers(account)
        self.tokens()
        self.ceiling()
        self.environment()
        self.urls()
        writer.open = None

    def accounts(self):
        writer = self.writer
        shown = pages(self.line, "/integrated-account?tenant_id=" + writer.tenant)
        for account in list(writer.accounts.values()):
            self.account(account, shown.pop(account.id, None))
        if self.what == "create account" and shown:
            body, verify = self.values
            number, one = shown.popitem()
            made = Account(dict(body, id=number), body["auth"], verify)
            expect(made.like(one), "half of a new account was stored: %s", one)
            writer.accounts[number] = made
            writer.touched.add(number)
        expect(not shown, "accounts that nobody made: %s", shown)

    def account(self, account, one):
        mine = self.book is account
        if one is None:
            expect(mine and self.what == "delete account", "the account %s is gone", account.id)
            self.writer.drop_account(account)
            return
        if account.like(one):
            return
        expect(mine and self.what == "change account", "the account %s is %s", account.id, one)
        self.writer.put_account(account, self.values)
        expect(account.like(one), "half of a change was stored: %s of %s", one, self.values)

    def servers(self, account):
        shown = pages(self.line, "/integrated-account/%s/mcp" % account.id)
        for server in list(account.servers.values()):
            self.server(account, server, shown.pop(server.id, None))
        if self.what == "create server" and self.book is account and shown:
            _, one = shown.popitem()
            made = Server(dict(self.values, id=one["id"], config={}), [])
            expect(made.like(one), "half of a new MCP server was stored: %s", one)
            account.servers[one["id"]] = made  # its URL was never told
        expect(not shown, "MCP servers that nobody made: %s", shown)

    def server(self, account, server, one):
        mine = self.book is server
        if one is None:
            expect(mine and self.what == "delete server", "the MCP server %s is gone", server.id)
            self.writer.drop_server(account, server)
            return
        if server.like(one):
            return
        expect(mine and self.what == "change server", "the MCP server %s is %s", server.id, one)
        server.update(self.values)
        expect(server.like(one), "half of a change was stored: %s of %s", one, self.values)

    def tokens(self):
        writer = self.writer
        shown = {n: t for n, t in self.all_tokens.items() if t["tenant_id"] == writer.tenant}
        for number, (name, raw) in list(writer.tokens.items()):
            one = shown.pop(number, None)
            if one is None:
                expect(self.what == "delete token" and self.book == number, "the token %s is gone",
                       number)
                writer.dead_tokens.append(raw)
                del writer.tokens[number]
                continue
            expect((one["name"], one["role"]) == (name, "tenant"), "the token %s is %s", number,
                   one)
        if self.what == "create token" and shown:
            number, one = shown.popitem()
            expect(one["name"] == self.values["name"], "a token that nobody made: %s", one)
            status, _ = self.line.send("DELETE", "/api-token/" + number)  # its text is lost
            expect(status == 204, "a token could not be deleted: %s", status)
        expect(not shown, "tokens that nobody made: %s", shown)

    def ceiling(self):
        writer = self.writer
        status, reply = self.line.send("GET", "/tenant/" + writer.tenant)
        found = reply["governor"]["ceiling"]
        expect(status == 200 and (found == writer.ceiling or
                                  (self.what == "set ceiling" and found == self.values)),
               "the tenant's ceiling is %s, not %s", reply, writer.ceiling)
        writer.ceiling = found

    def environment(self):
        writer = self.writer
        status, reply = self.line.send("GET", "/environment/%s/overrides" % writer.tenant)
        found = reply["overrides"] if status == 200 else {}
        expect(found == writer.environment or
               (self.what == "set environment" and found == self.values),
               "the environment's overrides are %s, not %s", reply, writer.environment)
        writer.environment = found

    def urls(self):
        """What was touched, and what has died: do the secrets that were handed out work?"""
        writer = self.writer
        for token in writer.dead_urls:
            self.knock("/mcp/" + token, 401)
        for raw in writer.dead_tokens:
            status, _ = self.line.send("GET", "/integrated-account?limit=1", token=raw)
            expect(status == 401, "a deleted token is answered %s", status)
        for number, (_, raw) in writer.tokens.items():
            if number in writer.touched:
                status, _ = self.line.send("GET", "/integrated-account?limit=1", token=raw)
                expect(status == 200, "a token that was acknowledged is answered %s", status)
        for account, server in writer.all_servers():
            if self.what == "rotate server" and self.book is server:
                self.settle_rotation(server)
            elif server.id in writer.touched or account.id in writer.touched:
                for token in server.tokens:
                    self.knock("/mcp/" + token, 200)
        del writer.dead_urls[:-20], writer.dead_tokens[:-20]

    def settle_rotation(self, server):
        """Without an overlap the old URLs all live or all have ended."""
        alive = [token for token in server.tokens if self.listed("/mcp/" + token) == 200]
        if alive != server.tokens:
            expect(self.values == 0 and not alive, "a rotation ended some URLs only")
            self.writer.dead_urls += server.tokens
            server.tokens = []

    def listed(self, path):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        return self.line.send("POST", path, body)[0]

    def knock(self, path, status):
        found = self.listed(path)
        expect(found == status, "a URL is answered %s where %s was due", found, status)


def try_calls(line, writers, at_most):
    """Secrets open and belong together: the ERP takes the login. Those changed last first."""
    pairs = [(a, s) for w in writers for a, s in w.all_servers() if s.tokens]
    fresh = [p for p in pairs if any(p[0].id in w.touched for w in writers)]
    for account, server in (fresh + pairs)[:at_most]:
        name, arguments = NETSUITE_CALL if account.integration == "netsuite" else SAP_CALL
        account.proven = None
        status, reply = line.call(server.tokens[-1], name, arguments)
        expect(status == 200 and not reply["result"].get("isError"),
               "after the restart a call answered %s: %s", status, reply)
    for writer in writers:
        writer.touched.clear()


# ---- The look into the file ----

HALVES = {
    "an account whose secrets are not those of its scheme": None,
    "a secret without an account":
        "SELECT account FROM secret WHERE account NOT IN (SELECT id FROM account)",
    "a server without an account":
        "SELECT id FROM server WHERE account NOT IN (SELECT id FROM account)",
    "a server without a token":
        "SELECT id FROM server WHERE id NOT IN (SELECT server FROM server_token)",
    "a token entry without its twin":
        "SELECT server FROM (SELECT hash, server, expires_ms FROM url_token EXCEPT"
        " SELECT hash, server, expires_ms FROM server_token) UNION ALL"
        " SELECT server FROM (SELECT hash, server, expires_ms FROM server_token EXCEPT"
        " SELECT hash, server, expires_ms FROM url_token)",
    "a token of no server":
        "SELECT server FROM url_token WHERE server NOT IN (SELECT id FROM server)",
}


def file_faults(path):
    """What is wrong in the database, as sentences; opened for reading only."""
    faults = []
    database = sqlite3.connect("file:%s?mode=ro" % urllib.parse.quote(path), uri=True)
    try:
        said = [row[0] for row in database.execute("PRAGMA integrity_check")]
        if said != ["ok"]:
            faults.append("integrity_check: %s" % said[:3])
        faults += ["foreign_key_check: %s" % (row,) for row in
                   database.execute("PRAGMA foreign_key_check")]
        for fault, query in HALVES.items():
            rows = database.execute(query).fetchall() if query else wrong_secrets(database)
            faults += ["%s: %s" % (fault, row[0]) for row in rows]
    finally:
        database.close()
    return faults


def wrong_secrets(database):
    fields = {}
    for account, field in database.execute("SELECT account, field FROM secret"):
        fields.setdefault(account, set()).add(field)
    return [(number,) for number, scheme in database.execute("SELECT id, scheme FROM account")
            if fields.get(number) != SECRETS[scheme]]


def file_ids(path):
    database = sqlite3.connect("file:%s?mode=ro" % urllib.parse.quote(path), uri=True)
    try:
        return {table: {row[0] for row in database.execute("SELECT id FROM " + table)}
                for table in ("account", "server", "api_token")}
    finally:
        database.close()
