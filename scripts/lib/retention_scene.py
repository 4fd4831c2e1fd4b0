# SPDX-License-Identifier: Apache-2.0
"""The proof of zero retention: the running programs, what is connected, how something is sent."""
import json
import os
import ssl
import sys
import urllib.parse

from connect_walk import Walk, private_number
from marks import KEPT, LOCKED, NOWHERE, OWN, Marks
from stand import Fault, Stand
from tap import Authority, Tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests",
                                "flow"))
from btp import CLIENT, Btp, ClientCertificate  # noqa: E402
from flow import (call_bytes, connect, read_reply, read_to_end, request_bytes,  # noqa: E402
                  wait_until)

FLAGS = ("--log.level", "debug", "--integrations.enable", "conformance", "--upstream.read_timeout_ms", "1500",
         "--upstream.write_timeout_ms", "3000", "--governor.lost_connection_hold_ms", "0")
ERAS = ("modern", "legacy")
TODAY = "2026-11-20"
CREDENTIALS = ("consumer_key", "consumer_secret", "token_id", "token_secret")


class Scene:
    """A server with both ERPs behind it, its accounts, and words to send something through it."""

    def __init__(self, bin_dir, server=None):
        self.marks = Marks()
        self.case = "set-up"
        self.cases = []
        self.open = []  # connections that stay open until the search is done
        self.stand = Stand(bin_dir, flags=FLAGS, server=server)
        self.authority = Authority(self.stand.scratch)
        self.stand.extra_flags += ["--net.ca_file", self.authority.ca,
                                   "--server.tls.certificate_file", self.authority.certificate,
                                   "--server.tls.key_file", self.authority.key]
        self.stand.trust = ssl.create_default_context(cafile=self.authority.ca)
        self.taps = {}
        self.btp = self.walk = None

    def mark(self, what, allowed=NOWHERE):
        return self.marks.new("%s: %s" % (self.case, what), allowed)

    def remember(self, what, text, allowed=NOWHERE):
        self.marks.add("%s: %s" % (self.case, what), text, allowed)
        return text

    # ---- Set-up ----

    def start(self):
        sap = {"user": self.mark("SAP user", LOCKED), "password": self.mark("SAP password", LOCKED),
               "client-secret": self.mark("client secret", LOCKED)}
        flags = [word for name, value in sap.items() for word in ("--" + name, value)]
        self.stand.start_mock("netsuite", "--today", TODAY)
        self.stand.start_mock("sap", "--today", TODAY, *flags)
        self.put_tap("netsuite")
        self.put_tap("sap basic", mock="sap")
        self.put_tap("sap", authority=self.authority)
        self.start_btp()
        self.remember_listener_key()
        self.walk = Walk(self)
        self.stand.extra_flags += self.walk.flags()
        self.stand.make_keys()
        self.remember("admin token", self.stand.admin_token[len("slt_"):])
        self.stand.start_server(env={"SLUICE_KEYS": self.take_keys()})
        self.walk.register()
        self.connect_accounts()

    def remember_listener_key(self):
        """The private number of the server's own certificate, also in the order in which OpenSSL
        computes with it."""
        with open(self.authority.key, encoding="ascii") as file:
            number = private_number(file.read())
        self.remember("listener's key", number, OWN)
        self.remember("listener's key, reversed", number[::-1], OWN)

    def put_tap(self, erp, mock=None, authority=None):
        """What the mock said of its ERP port leads to the tap from now on; with an authority by
        TLS."""
        at = self.stand.mocks[erp] = dict(self.stand.mocks[mock or erp])
        port = urllib.parse.urlsplit(at["url"]).port
        tap = self.taps[erp] = Tap(port, authority)
        for name, value in at.items():
            if name.endswith("url") and name != "control_url":
                value = value.replace(":%d" % port, ":%d" % tap.port)
                at[name] = value.replace("http:", "https:") if authority else value

    def start_btp(self):
        """What stands before the same SAP system on SAP BTP. Of the client's key the number that is
        private is marked, also in the order in which OpenSSL computes with it."""
        certificate = ClientCertificate(self.stand.scratch, "client")
        number = private_number(certificate.key)
        self.remember("private key", number, LOCKED)
        self.remember("private key, reversed", number[::-1], LOCKED)
        self.certificate = certificate
        self.btp = Btp(self.stand.mocks["sap basic"], self.stand.scratch, (certificate,),
                       self.authority, self.mark("connectivity secret", LOCKED))

    def connect_btp(self):
        sap, btp = self.stand.sap_account(mock="sap basic", scheme="basic"), self.btp
        user = {name: sap["auth"][name] for name in ("username", "password")}
        client = {"client_id": CLIENT, "token_url": btp.tls_url + "/erp/token"}
        by_certificate = dict(
            sap, connection={"route": "direct", "base_url": self.stand.mocks["sap basic"]["url"]},
            auth=dict(client, scheme="sap_xsuaa", certificate_pem=self.certificate.certificate,
                      private_key_pem=self.certificate.key))
        by_proxy = dict(
            sap, connection={"route": "connectivity", "base_url": "http://s4.virtual:44300",
                             "sap_client": sap["connection"]["sap_client"]},
            auth=dict(client, **user, scheme="sap_connectivity", client_secret=btp.secret,
                      token_url=btp.tls_url + "/oauth/token", proxy_url=btp.url))
        return {name: self.stand.admin("POST", "/integrated-account", body)
                for name, body in (("sap by certificate", by_certificate),
                                   ("sap by proxy", by_proxy),
                                   ("sap by destination", self.by_destination(sap, client)))}

    def by_destination(self, sap, client):
        """Its service says in the same answer where the system is and with which user."""
        btp, at = self.btp, self.stand.mocks["sap basic"]
        btp.destinations["S4"] = {
            "owner": {"SubaccountId": "sub"}, "destinationConfiguration": {
                "Name": "S4", "Type": "HTTP", "URL": at["url"], "ProxyType": "Internet",
                "Authentication": "BasicAuthentication", "User": sap["auth"]["username"],
                "Password": sap["auth"]["password"], "sap-client": at["client"],
                "Description": self.mark("description of a destination")}}
        return dict(sap, connection={"route": "destination", "base_url": at["url"]},
                    auth=dict(client, scheme="sap_destination", client_secret=btp.secret,
                              token_url=btp.tls_url + "/oauth/token", service_url=btp.tls_url,
                              destination="S4"))

    def take_keys(self):
        """The content of the key file, which is no more: the environment brings the keys."""
        path = os.path.join(self.stand.data_dir, "keys.json")
        with open(path, encoding="utf-8") as file:
            content = file.read()
        os.unlink(path)
        keys = json.loads(content)
        for key in [keys["signing_key"]] + [one["key"] for one in keys["vault_keys"]]:
            self.remember("key", key, OWN)
        return content

    def connect_accounts(self):
        stand = self.stand
        self.control_text = "Control " + self.marks.new("control: name of an account", KEPT)
        credentials = {"account_id": "RETENTION1"}
        for part in CREDENTIALS:
            credentials[part] = self.mark(part, LOCKED)
        stand.control("netsuite", "POST", "/accounts", credentials)
        self.accounts = {
            "netsuite": stand.connect_netsuite(credentials=credentials, name=self.control_text),
            "sap": stand.connect_sap(),
            "sap basic": stand.connect_sap(mock="sap basic", scheme="basic"),
            "conformance": stand.connect_conformance(),
            **self.connect_btp(),
        }
        self.urls = {name: self.mint(account["id"]) for name, account in self.accounts.items()}

    def mint(self, account_id, config=None):
        url = self.stand.mint(account_id, config)["url"]
        self.remember("URL token", urllib.parse.urlsplit(url).path[len("/mcp/"):])
        return url

    # ---- Shorthands ----

    def erps(self):
        for erp in ("netsuite", "sap"):
            for era in ERAS:
                yield erp, era

    def fault(self, erp, kind, path=None, **more):
        if path is None and erp == "sap":
            path = "^/sap/"  # not for the token host, which the same mock plays
        match = {} if path is None else {"path_regex": path}
        reply = self.stand.control(erp, "POST", "/faults",
                                   dict({"match": match, "times": 1, "kind": kind}, **more))
        if not reply.get("ok"):
            raise Fault("the mock takes no such fault: %r" % reply)

    def answer(self, erp, body, status=200, path=None, **more):
        self.fault(erp, "status", path, status=status, body=body, **more)

    def list_answer(self, erp, *texts):
        if erp == "netsuite":
            rows = ['{"id":"7","entityid":"%s","companyname":"%s","email":"%s"}' % texts]
            return '{"items":[%s],"hasMore":true,"count":1,"totalResults":1}' % ",".join(rows)
        return ('{"d":{"results":[{"Supplier":"7","SupplierName":"%s","BPSupplierFullName":"%s",'
                '"TaxNumber1":"%s"}]}}' % texts)

    def dial(self):
        """A connection to the server, by TLS as all of a caller's side."""
        sock = connect(self.stand.base)
        try:
            return self.stand.trust.wrap_socket(sock, server_hostname="127.0.0.1")
        except BaseException:
            sock.close()
            raise

    def raw(self, method, path, body=b"", headers=()):
        """The whole reply as bytes, on a connection of its own that the server then closes."""
        with self.dial() as sock:
            sock.sendall(request_bytes(self.stand.base, method, path, body,
                                       list(headers) + [("Connection", "close")]))
            return read_to_end(sock)

    def call(self, erp, name, arguments, era, **more):
        """(status, result) of a call on a connection of its own."""
        status, _, result = self.stand.tool(self.urls[erp], name, arguments, era, **more)
        return status, result

    def kept_open(self, erp, name, arguments, era):
        """The same on a connection that stays open; its reply's body."""
        sock = self.dial()
        self.open.append(sock)
        sock.sendall(call_bytes(self.urls[erp], name, arguments, era))
        return read_reply(sock)[2]

    def expect(self, result, code, what):
        got = "no result"
        if result is not None:
            error = (result.get("structuredContent") or {}).get("error")
            got = error["code"] if error else "data"
        if got not in code.split():
            raise Fault("%s: %s was expected, %s came: %.300s" % (what, code, got, result))

    # ---- Rest ----

    def stats(self, erp):
        return self.stand.control(erp, "GET", "/stats")

    def wait_for_mocks(self):
        wait_until(lambda: all(self.stats(erp)["in_flight"] == 0 for erp in self.taps),
                   "idle mocks", 20)

    def wait_for_rest(self):
        def is_at_rest():
            lanes = self.stand.admin("GET", "/lanes")
            lanes = lanes.get("lanes") or lanes.get("data") or []
            return (all(self.stats(erp)["in_flight"] == 0 for erp in self.taps) and
                    all(lane["in_flight"] == 0 and lane["queued"] == 0 for lane in lanes))
        wait_until(is_at_rest, lambda: "the server to come to rest: %r %r" % (
            self.stand.admin("GET", "/lanes"), {erp: self.stats(erp) for erp in self.taps}), 20)

    def delete_accounts(self):
        for account in self.accounts.values():
            self.stand.admin("DELETE", "/integrated-account/" + account["id"])

    def stop(self):
        for sock in self.open:
            sock.close()
        for tap in self.taps.values():
            tap.stop()
        if self.btp:
            self.btp.stop()
        self.stand.stop()
