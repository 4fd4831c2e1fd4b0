# SPDX-License-Identifier: Apache-2.0
"""The protocol in both eras, row by row: what is refused, with which status and which code."""
import base64
import json
import time
import urllib.parse

from flow import (LEGACY, META_CAPABILITIES, META_VERSION, MODERN, NETSUITE_TOOLS, FlowCase, Volley,
                  connect, main, message, read_reply, request_bytes, wait_until)

CUSTOMERS = "list_all_netsuite_customers"
LEGACY_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
SERVER_INFO = "io.modelcontextprotocol/serverInfo"


class McpCase(FlowCase):
    @classmethod
    def prepare(cls):
        cls.account, cls.url = cls.fresh(governor={"queue_limit": 100, "queue_wait_ms": 60000})
        cls.path = urllib.parse.urlsplit(cls.url).path

    def bytes_of(self, body, headers=(), method="POST"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return request_bytes(self.stand.base, method, self.path, data, headers)

    def post(self, body, headers=()):
        """(status, headers, body as bytes) of one POST on a connection of its own."""
        headers = list(headers.items() if isinstance(headers, dict) else headers)
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        with connect(self.url) as sock:
            sock.sendall(self.bytes_of(body, headers))
            return read_reply(sock)

    def ask(self, body, headers=()):
        status, _, reply = self.post(body, headers)
        return status, json.loads(reply) if reply.strip() else None

    def refused(self, status, code, body, headers=(), message_id=1, data=None):
        """A JSON-RPC error of that code; `message_id` None: the reply has no id."""
        got, reply = self.ask(body, headers)
        self.assertEqual((got, (reply or {}).get("error", {}).get("code")), (status, code),
                         (body, dict(headers), reply))
        self.assertEqual(reply["jsonrpc"], "2.0")
        if message_id is None:
            self.assertNotIn("id", reply)
        else:
            self.assertEqual(reply["id"], message_id)
        self.assertTrue(reply["error"]["message"])
        if data is None:
            self.assertNotIn("data", reply["error"])
        else:
            self.assertEqual(reply["error"]["data"], data)
        self.assertNotIn("result", reply)
        return reply["error"]["message"]

    def modern(self, method="tools/list", params=None, message_id=1, **headers):
        """(body, headers) of a modern request; a header given as None is left out."""
        body, fields = message(method, params, message_id)
        for name, value in headers.items():
            name = name.replace("_", "-")
            if value is None:
                fields.pop(name)
            else:
                fields[name] = value
        return body, fields


class TestLadder(McpCase):
    """Section by section of the validation ladder; the first rung that fails answers."""

    def test_a_body_that_is_not_json(self):
        for headers in (self.modern()[1], {}, {"MCP-Protocol-Version": LEGACY}):
            for body in (b"{", b"", b"nonsense", b'{"jsonrpc":"2.0",}', b"[1,]", b"\xff\xfe",
                         b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', b"'a'", b"NaN",
                         b"{} {}", b"[" * 200 + b"]" * 200, b'"\\ud800"', b"01",
                         b'{"a":"\\u0000"}'):
                self.refused(400, -32700, body, headers, message_id=None)

    def test_a_body_that_is_nested_too_deep_is_told_so(self):
        for body in (b"[" * 10000 + b"]" * 10000, b'{"a":' * 500 + b"1" + b"}" * 500):
            said = self.refused(400, -32700, body, {}, message_id=None)
            self.assertIn("nested deeper", said)

    def test_a_body_that_is_no_message(self):
        for headers in ({}, {"MCP-Protocol-Version": LEGACY}):
            for body in (5, "text", None, True, {}, {"jsonrpc": "2.0"},
                         {"jsonrpc": "1.0", "method": "ping"}, {"method": "ping"},
                         {"jsonrpc": 2.0, "method": "ping"}, {"jsonrpc": "2.0", "method": 5},
                         {"jsonrpc": "2.0", "id": None, "method": "ping"},
                         {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
                         {"jsonrpc": "2.0", "id": True, "method": "ping"},
                         {"jsonrpc": "2.0", "id": [1], "method": "ping"},
                         {"jsonrpc": "2.0", "id": {}, "method": "ping"}):
                self.refused(400, -32600, body, headers, message_id=None)
            self.refused(400, -32600, {"jsonrpc": "2.0", "id": 7}, headers, message_id=7)

    def test_a_posted_response_is_for_legacy_ears_only(self):
        for body in ({"jsonrpc": "2.0", "id": 1, "result": {}},
                     {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}}):
            self.refused(400, -32600, body, {"MCP-Protocol-Version": MODERN})
            status, fields, reply = self.post(body, {"MCP-Protocol-Version": LEGACY})
            self.assertEqual((status, reply), (202, b""))
            self.assertNotIn("content-type", fields)

    def test_a_modern_header_without_its_envelope(self):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        _, headers = self.modern()
        for params in (None, {}, {"_meta": {}}, {"_meta": {META_CAPABILITIES: {}}}):
            if params is not None:
                body["params"] = params
            said = self.refused(400, -32602, body, headers)
            self.assertIn("protocolVersion", said)
        for later in ("2026-07-28", "2026-12-01", "2031-01-01"):
            self.refused(400, -32602, body, dict(headers, **{"MCP-Protocol-Version": later}))

    def test_an_envelope_that_lacks_or_mistypes_a_key(self):
        for meta, key in (({META_VERSION: MODERN}, "clientCapabilities"),
                          ({META_VERSION: MODERN, META_CAPABILITIES: []}, "clientCapabilities"),
                          ({META_VERSION: MODERN, META_CAPABILITIES: None}, "clientCapabilities"),
                          ({META_VERSION: 5, META_CAPABILITIES: {}}, "protocolVersion"),
                          ({META_VERSION: None, META_CAPABILITIES: {}}, "protocolVersion")):
            body, headers = self.modern()
            body["params"] = {"_meta": meta}
            self.assertIn(key, self.refused(400, -32602, body, headers))

    def test_client_info_may_be_absent(self):
        body, headers = self.modern()
        self.assertNotIn("io.modelcontextprotocol/clientInfo", body["params"]["_meta"])
        self.assertEqual(self.ask(body, headers)[0], 200)

    def test_the_version_header_has_to_agree(self):
        body, headers = self.modern()
        for version in (LEGACY, "2026-07-29", "", "2026-07-28x", "x"):
            self.refused(400, -32020, body, dict(headers, **{"MCP-Protocol-Version": version}))
        headers.pop("MCP-Protocol-Version")
        self.refused(400, -32020, body, headers)

    def test_header_names_and_space_around_values_do_not_matter(self):
        body, headers = self.modern()
        fields = [("mcp-PROTOCOL-version", "  2026-07-28 \t"), ("MCP-METHOD", "\ttools/list  ")]
        self.assertEqual(self.ask(body, fields)[0], 200)
        for value in ("Tools/List", "TOOLS/LIST"):
            self.refused(400, -32020, body, dict(headers, **{"Mcp-Method": value}))

    def test_a_version_nobody_implements(self):
        for version in ("2027-01-01", LEGACY, "2026-07-29", "nonsense", "1.0"):
            body, headers = self.modern(**{"MCP_Protocol_Version": version})
            headers["MCP-Protocol-Version"] = version
            body["params"]["_meta"][META_VERSION] = version
            self.refused(400, -32022, body, headers,
                         data={"supported": [MODERN], "requested": version})

    def test_the_method_header_has_to_agree(self):
        body, headers = self.modern()
        self.refused(400, -32020, body, dict(headers, **{"Mcp-Method": "tools/call"}))
        headers.pop("Mcp-Method")
        self.refused(400, -32020, body, headers)

    def test_the_name_header_has_to_agree(self):
        call = {"name": CUSTOMERS, "arguments": {"limit": 1}}
        body, headers = self.modern("tools/call", call)
        for wrong in ("list_all_netsuite_invoices", "", CUSTOMERS.upper(), "=?base64??=x"):
            self.refused(400, -32020, body, dict(headers, **{"Mcp-Name": wrong}))
        headers.pop("Mcp-Name")
        self.refused(400, -32020, body, headers)

    def test_a_name_header_in_base64(self):
        call = {"name": CUSTOMERS, "arguments": {"limit": 1}}
        body, headers = self.modern("tools/call", call)
        good = base64.b64encode(CUSTOMERS.encode()).decode()
        headers["Mcp-Name"] = "=?base64?%s?=" % good
        self.assertEqual(self.ask(body, headers)[0], 200)
        for wrong in (good[:-1], good + "=", good[:-2] + "!!", " " + good,
                      good[:5] + " " + good[5:], base64.b64encode(b"\xff\xfe").decode(), "===="):
            headers["Mcp-Name"] = "=?base64?%s?=" % wrong
            self.refused(400, -32020, body, headers)
        headers["Mcp-Name"] = "=?BASE64?%s?=" % good
        self.refused(400, -32020, body, headers)

    def test_methods_that_are_not_served_are_404(self):
        for method in ("initialize", "ping", "logging/setLevel", "resources/list",
                       "resources/templates/list", "prompts/list", "completion/complete",
                       "tasks/get", "tasks/list", "subscriptions/listen", "nonsense", "",
                       "Tools/list", "tools/list/", "rpc.discover", "resources/subscribe"):
            body, headers = self.modern(method)
            self.refused(404, -32601, body, headers)
        for method, params in (("resources/read", {"uri": "x:y"}), ("prompts/get", {"name": "p"})):
            body, headers = self.modern(method, params)
            headers["Mcp-Name"] = list(params.values())[0]
            self.refused(404, -32601, body, headers)

    def test_a_call_of_the_wrong_shape(self):
        for params in ({"name": CUSTOMERS, "arguments": []}, {"name": CUSTOMERS, "arguments": "{}"},
                       {"name": CUSTOMERS, "arguments": 5},
                       {"name": CUSTOMERS, "arguments": None}):
            body, headers = self.modern("tools/call", params)
            self.refused(200, -32602, body, headers)
            body, headers = message("tools/call", params, era="legacy")
            self.refused(200, -32602, body, headers)
        for params in ({}, {"name": 5}, {"name": None}, {"name": [CUSTOMERS]}):
            body, headers = message("tools/call", params, era="legacy")
            self.refused(200, -32602, body, headers)

    def test_an_unknown_tool(self):
        for name in ("no_such_tool", CUSTOMERS + "x", "__proto__", "x" * 5000, "ü"):
            body, headers = message("tools/call", {"name": name}, era="legacy")
            self.refused(200, -32602, body, headers)
        body, headers = self.modern("tools/call", {"name": "no_such_tool"})
        self.refused(200, -32602, body, headers)

    def test_params_that_are_no_object(self):
        for method in ("tools/list", "ping", "initialize"):
            for params in ([], "x", 5, None):
                body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
                self.refused(200, -32602, body, {})
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": []}
        self.refused(400, -32602, body, self.modern()[1])

    def test_a_cursor_of_tools_list_that_was_never_given(self):
        for era in ("modern", "legacy"):
            for cursor in ("", "x", 5, None):
                body, headers = message("tools/list", {"cursor": cursor}, era=era)
                self.refused(200, -32602, body, headers)

    def test_legacy_refusals_of_methods_travel_on_200(self):
        for headers in ({}, {"MCP-Protocol-Version": LEGACY}):
            for method in ("server/discover", "logging/setLevel", "resources/list", "prompts/list",
                           "nonsense", ""):
                self.refused(200, -32601, {"jsonrpc": "2.0", "id": 1, "method": method}, headers)

    def test_an_unknown_legacy_version_header(self):
        for version in ("2024-01-01", "1.0", "", "2026-07-27", "latest", "2025-11-25, 2025-06-18"):
            said = self.refused(400, -32600, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
                                {"MCP-Protocol-Version": version})
            self.assertIn(LEGACY, said)

    def test_legacy_traffic_may_carry_mirror_headers_of_any_kind(self):
        for version in ({}, {"MCP-Protocol-Version": LEGACY}):
            headers = dict(version, **{"Mcp-Method": "initialize", "Mcp-Name": "=?base64?!?=",
                                       "Mcp-Session-Id": "s", "Last-Event-ID": "4"})
            status, reply = self.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers)
            self.assertEqual((status, len(reply["result"]["tools"])), (200, len(NETSUITE_TOOLS)))

    def test_media_types(self):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        for accept, status in (("application/json", 200), ("*/*", 200), ("text/event-stream", 200),
                               ("application/*", 200), ("image/png", 406), ("text/html", 406),
                               ("text/html, application/json;q=0.5", 200)):
            self.assertEqual(self.post(body, {"Accept": accept})[0], status, accept)
        for kind, status in (("application/json", 200), ("application/json; charset=utf-8", 200),
                             ("APPLICATION/JSON", 200), ("text/plain", 415), ("text/xml", 415),
                             ("multipart/form-data", 415)):
            self.assertEqual(self.post(body, {"Content-Type": kind})[0], status, kind)

    def test_no_reply_carries_a_session(self):
        for body, headers in (self.modern(), message("tools/list", era="legacy"),
                              self.initialize()):
            _, fields, _ = self.post(body, headers)
            self.assertNotIn("mcp-session-id", fields)
            self.assertEqual(fields["cache-control"], "no-store")

    def initialize(self):
        return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": LEGACY, "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"}}}, {}


class TestRungsOfTools(McpCase):
    """Rungs that depend on the tool: 11 (capability), 12 (Mcp-Param-*), 19 (requestState)."""
    flags = ("--integrations.enable", "conformance")

    @classmethod
    def prepare(cls):
        cls.account = cls.stand.connect_conformance()
        cls.url = cls.stand.mint(cls.account["id"])["url"]
        cls.path = urllib.parse.urlsplit(cls.url).path

    def call(self, name, arguments=None, capabilities=None, **params):
        """(body, headers) of a modern call."""
        body, headers = self.modern("tools/call", dict({"name": name, "arguments": arguments or {}},
                                                       **params))
        body["params"]["_meta"][META_CAPABILITIES] = capabilities or {}
        return body, headers

    def result(self, *what, **more):
        status, reply = self.ask(*self.call(*what, **more))
        self.assertEqual(status, 200, reply)
        return reply["result"]

    def test_a_capability_that_the_request_does_not_declare(self):
        needs = {"requiredCapabilities": {"sampling": {}}}
        for declared in ({}, {"elicitation": {}}, {"sampling": True}, {"sampling": []},
                         {"Sampling": {}}):
            self.refused(400, -32021, *self.call("test_missing_capability", {}, declared),
                         data=needs)
        self.assertEqual(len(self.result("test_missing_capability", {}, {"sampling": {}})
                             ["content"]), 1)
        # Refused before the arguments are looked at, and even with a progress token.
        self.refused(400, -32021, *self.call("test_missing_capability", {"x": 1}), data=needs)
        body, headers = self.call("test_missing_capability")
        body["params"]["_meta"]["progressToken"] = 1
        headers["Accept"] = "application/json, text/event-stream"
        self.refused(400, -32021, body, headers, data=needs)

    def test_a_question_that_the_request_does_not_allow(self):
        asks = "test_input_required_result_"
        for tool, declared, missing in (
                ("elicitation", {}, {"elicitation": {"form": {}}}),
                ("elicitation", {"elicitation": {"url": {}}}, {"elicitation": {"form": {}}}),
                ("sampling", {"elicitation": {}}, {"sampling": {}}),
                ("list_roots", {"sampling": {}}, {"roots": {}}),
                ("multiple_inputs", {"elicitation": {}, "sampling": {}}, {"roots": {}})):
            self.refused(400, -32021, *self.call(asks + tool, {}, declared),
                         data={"requiredCapabilities": missing})
        for declared in ({"elicitation": {}}, {"elicitation": {"form": {}}}):
            self.assertEqual(self.result(asks + "elicitation", {}, declared)["resultType"],
                             "input_required")

    def test_mirrored_arguments(self):
        def asks(region, *values, name="Mcp-Param-Region"):
            body, headers = self.call("test_x_mcp_header",
                                      {} if region is None else {"region": region})
            return body, list(headers.items()) + [(name, value) for value in values]

        def b64(text):
            return "=?base64?%s?=" % base64.b64encode(text.encode()).decode()
        for region, value in (("eu", "eu"), ("eu", b64("eu")), ("Zürich", b64("Zürich")),
                              ("", ""), ("", b64("")), ("=?base64?ZXU=", "=?base64?ZXU="),
                              ("ZXU=", "ZXU="), (" eu ", b64(" eu ")),
                              ("true", "true"), ("5", "5")):
            status, reply = self.ask(*asks(region, value))
            self.assertEqual((status, reply.get("result", {}).get("content")),
                             (200, [{"type": "text", "text": "region: " + region}]), reply)
        self.assertEqual(self.ask(*asks("eu", "  eu\t", name="MCP-PARAM-REGION"))[0], 200)
        self.assertEqual(self.ask(*asks(None))[0], 200)
        for region, values in (("eu", []), ("eu", ["us"]), ("eu", ["EU"]), ("eu", [""]),
                               ("eu", ["eu", "eu"]), ("eu", ["eu", "us"]), (None, ["eu"]),
                               ("eu", ["=?base64?ZXU?="]), ("eu", ["=?base64?Z!U=?="]),
                               ("eu", ["=?base64?//4=?="]), ("eu", ["=?BASE64?ZXU=?="]),
                               (5, ["us"]), ([], ["eu"]), ({}, [""])):
            self.refused(400, -32020, *asks(region, *values))
        # A wrong type that the header agrees with is wrong arguments, not a lie.
        status, reply = self.ask(*asks(5, "5.0"))
        self.assertEqual((status, reply["result"]["isError"]), (200, True))
        status, reply = self.ask(*asks(True, "true"))
        self.assertEqual((status, reply["result"]["isError"]), (200, True))

    def test_headers_that_mirror_nothing_are_ignored(self):
        body, headers = self.call("echo", {"text": "x"})
        headers["Mcp-Param-Text"] = "y"
        self.assertEqual(self.ask(body, headers)[0], 200)
        body, headers = message("tools/call", {"name": "test_x_mcp_header",
                                               "arguments": {"region": "eu"}}, era="legacy")
        for value in (None, "us", "=?base64?!?="):
            if value is not None:
                headers["Mcp-Param-Region"] = value
            status, reply = self.ask(body, headers)
            self.assertEqual((status, reply["result"]["content"][0]["text"]), (200, "region: eu"))

    def test_a_state_that_is_not_ours(self):
        tool = "test_input_required_result_request_state"
        can = {"elicitation": {}}
        yes = {"confirm": {"action": "accept", "content": {"ok": True}}}
        state = self.result(tool, {}, can)["requestState"]
        done = self.result(tool, {}, can, inputResponses=yes, requestState=state)
        self.assertIn("state-ok", done["content"][0]["text"])
        other = self.result("test_input_required_result_tampered_state", {}, can)["requestState"]
        wrong = [state + "x", state[:-1], state[1:], "", "x", other, 5, None, {}, [state],
                 state[:20] + ("A" if state[20] != "A" else "B") + state[21:], "x" * 100000]
        for given in wrong:
            self.refused(200, -32602, *self.call(tool, {}, can, inputResponses=yes,
                                                 requestState=given))
        # Bound to the MCP server, too; and a tool that keeps no state takes none.
        url = self.stand.mint(self.account["id"])["url"]
        status, _, reply = self.stand.rpc(url, "tools/call", {
            "name": tool, "arguments": {}, "inputResponses": yes, "requestState": state,
            "_meta": {META_CAPABILITIES: can}})
        self.assertEqual((status, reply["error"]["code"]), (200, -32602))
        self.refused(200, -32602, *self.call("echo", {"text": "x"}, requestState=state))
        # Legacy requests have no such members: they are ignored.
        body, headers = message("tools/call", {"name": "echo", "arguments": {"text": "x"},
                                               "requestState": "x", "inputResponses": 5},
                                era="legacy")
        self.assertEqual(self.ask(body, headers)[1]["result"]["content"][0]["text"], "x")


class TestHandshake(McpCase):
    def initialize(self, version, headers=()):
        return self.ask({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"}}}, headers)

    def test_a_known_legacy_version_is_echoed(self):
        for version in LEGACY_VERSIONS:
            status, reply = self.initialize(version)
            self.assertEqual((status, reply["id"]), (200, "init"))
            result = reply["result"]
            self.assertEqual(result["protocolVersion"], version)
            self.assertEqual(result["capabilities"], {"tools": {}})
            self.assertEqual(result["serverInfo"]["name"], "sluice")
            self.assertEqual("title" in result["serverInfo"], version >= "2025-06-18")
            for modern in ("resultType", "ttlMs", "cacheScope", "_meta"):
                self.assertNotIn(modern, result)

    def test_any_other_version_gets_the_latest_legacy_one(self):
        for version in (MODERN, "1.0", "", "2030-01-01", 5, None):
            status, reply = self.initialize(version)
            self.assertEqual((status, reply["result"]["protocolVersion"]), (200, LEGACY))

    def test_initialize_under_a_modern_header_is_a_mismatch(self):
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
                "params": {"protocolVersion": LEGACY, "capabilities": {}}}
        self.refused(400, -32020, body, {"MCP-Protocol-Version": MODERN})

    def test_initialize_ignores_a_legacy_header(self):
        for version in ("2025-06-18", "nonsense"):
            status, _ = self.initialize(LEGACY, {"MCP-Protocol-Version": version})
            self.assertEqual(status, 200)

    def test_ping_is_an_empty_result_in_legacy(self):
        for headers in ({}, {"MCP-Protocol-Version": LEGACY}):
            status, reply = self.ask({"jsonrpc": "2.0", "id": 9, "method": "ping"}, headers)
            self.assertEqual((status, reply), (200, {"jsonrpc": "2.0", "id": 9, "result": {}}))

    def test_discover(self):
        body, headers = self.modern("server/discover", message_id="server-discover-probe-1")
        status, reply = self.ask(body, headers)
        self.assertEqual((status, reply["id"]), (200, "server-discover-probe-1"))
        result = reply["result"]
        self.assertEqual(result["resultType"], "complete")
        self.assertEqual(result["supportedVersions"], [MODERN])
        self.assertEqual(result["capabilities"], {"tools": {}})
        self.assertEqual(result["cacheScope"], "private")
        self.assertIs(type(result["ttlMs"]), int)
        self.assertEqual(result["_meta"][SERVER_INFO]["name"], "sluice")
        self.assertNotIn("serverInfo", result)
        self.assertIn("NetSuite", result["instructions"])

    def test_nothing_has_to_be_said_before_tools_are_used(self):
        for era in ("modern", "legacy"):
            self.assertEqual(self.stand.rpc(self.url, "tools/list", era=era)[0], 200)

    def test_each_revision_sees_what_it_defines(self):
        for version in LEGACY_VERSIONS:
            headers = {"MCP-Protocol-Version": version}
            _, reply = self.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers)
            self.assertEqual(set(reply["result"]), {"tools"})
            for tool in reply["result"]["tools"]:
                self.assertEqual("title" in tool, version >= "2025-06-18")
                self.assertEqual("outputSchema" in tool, version >= "2025-06-18")
                self.assertEqual("annotations" in tool, version >= "2025-03-26")
                self.assertNotIn("execution", tool)
            _, reply = self.ask({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                                 "params": {"name": CUSTOMERS, "arguments": {"limit": 1}}},
                                headers)
            result = reply["result"]
            self.assertEqual("structuredContent" in result, version >= "2025-06-18")
            self.assertNotIn("resultType", result)
            self.assertNotIn("_meta", result)

    def test_a_modern_list_has_cache_hints_and_a_modern_call_has_none(self):
        _, reply = self.ask(*self.modern())
        result = reply["result"]
        self.assertEqual(set(result), {"resultType", "tools", "ttlMs", "cacheScope", "_meta"})
        self.assertEqual((result["resultType"], result["cacheScope"]), ("complete", "private"))
        _, reply = self.ask(*self.modern("tools/call", {"name": CUSTOMERS,
                                                        "arguments": {"limit": 1}}))
        self.assertEqual(set(reply["result"]), {"resultType", "content", "structuredContent",
                                                "_meta"})

    def test_unknown_members_are_ignored(self):
        body, headers = message("tools/call", {
            "name": CUSTOMERS, "arguments": {"limit": 1}, "task": {"ttl": 5}, "x": [1]},
            era="legacy")
        body["extra"] = {"a": 1}
        status, reply = self.ask(body, headers)
        self.assertEqual(status, 200)
        self.data(reply["result"])


class TestMessages(McpCase):
    def test_ids_come_back_exactly(self):
        for text in ("0", "-1", "1", "9223372036854775807", "-9223372036854775808",
                     "123456789012345678901234567890", '""', '"0"', '"x"',
                     '"server-discover-probe-1"', '"ü💶"', '"a\\"b\\\\c"'):
            for era in ("modern", "legacy"):
                body, headers = message("tools/list", era=era)
                data = json.dumps(body).replace('"id": 1', '"id": ' + text).encode()
                status, _, reply = self.post(data, headers)
                self.assertEqual(status, 200)
                found = reply.decode()[reply.decode().index('"id":') + 5:]
                self.assertTrue(found.startswith(text + ","), (text, found[:60]))

    def test_notifications_are_202_without_a_word(self):
        for method in ("notifications/initialized", "notifications/cancelled",
                       "notifications/roots/list_changed", "notifications/nonsense", "nonsense"):
            for headers in ({}, {"MCP-Protocol-Version": LEGACY}, {"MCP-Protocol-Version": MODERN},
                            {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}):
                body = {"jsonrpc": "2.0", "method": method}
                if headers.get("MCP-Protocol-Version") == MODERN:
                    body["params"] = {"_meta": {META_VERSION: MODERN, META_CAPABILITIES: {}}}
                status, fields, reply = self.post(body, headers)
                self.assertEqual((status, reply), (202, b""), (method, headers))

    def test_batches_of_the_revision_that_has_them(self):
        batch = [{"jsonrpc": "2.0", "id": 1, "method": "ping"},
                 {"jsonrpc": "2.0", "method": "notifications/initialized"},
                 {"jsonrpc": "2.0", "id": "two", "method": "tools/call",
                  "params": {"name": CUSTOMERS, "arguments": {"limit": 1}}},
                 {"jsonrpc": "2.0", "id": 3, "method": "nonsense"},
                 {"jsonrpc": "2.0", "id": 4, "method": "tools/call",
                  "params": {"name": CUSTOMERS, "arguments": {"limit": 0}}},
                 {"id": 5}, 6]
        for headers in ({}, {"MCP-Protocol-Version": "2025-03-26"}):
            status, reply = self.ask(batch, headers)
            self.assertEqual((status, len(reply)), (200, 6))
            by_id = {r.get("id"): r for r in reply}
            self.assertEqual(by_id[1]["result"], {})
            self.assertEqual(len(self.data(by_id["two"]["result"])), 1)
            self.assertEqual(by_id[3]["error"]["code"], -32601)
            self.assertTrue(by_id[4]["result"]["isError"])
            self.assertEqual(by_id[5]["error"]["code"], -32600)
            self.assertEqual(by_id[None]["error"]["code"], -32600)

    def test_a_batch_without_requests_is_202(self):
        status, _, reply = self.post([{"jsonrpc": "2.0", "method": "notifications/initialized"},
                                      {"jsonrpc": "2.0", "id": 1, "result": {}}])
        self.assertEqual((status, reply), (202, b""))

    def test_batches_that_are_refused(self):
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        modern, modern_headers = self.modern()
        for body, headers in (([], {}), ([ping], {"MCP-Protocol-Version": LEGACY}),
                              ([ping], {"MCP-Protocol-Version": "2025-06-18"}),
                              ([ping], {"MCP-Protocol-Version": MODERN}),
                              ([ping, modern], {}), ([modern], modern_headers),
                              ([ping] * 33, {}), ([], {"MCP-Protocol-Version": LEGACY})):
            self.refused(400, -32600, body, headers, message_id=None)

    def test_initialize_has_no_place_in_a_batch(self):
        status, reply = self.ask([{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-03-26", "capabilities": {}}},
            {"jsonrpc": "2.0", "id": 2, "method": "ping"}])
        self.assertEqual(status, 200)
        self.assertEqual([(r["id"], "error" in r) for r in reply], [(1, True), (2, False)])

    def test_a_full_batch_of_calls_is_answered_in_order(self):
        batch = [{"jsonrpc": "2.0", "id": n, "method": "tools/call",
                  "params": {"name": CUSTOMERS, "arguments": {"limit": n + 1}}} for n in range(32)]
        status, reply = self.ask(batch)
        self.assertEqual(status, 200)
        self.assertEqual([r["id"] for r in reply], list(range(32)))
        self.assertEqual([len(self.data(r["result"])) for r in reply],
                         [n + 1 for n in range(32)])

    def test_both_eras_alternate_on_one_connection(self):
        with connect(self.url) as sock:
            for n in range(12):
                era = ("modern", "legacy")[n % 2]
                method, params = (("tools/list", None), ("tools/call", {
                    "name": CUSTOMERS, "arguments": {"limit": 2}}))[n // 2 % 2]
                body, headers = message(method, params, n, era)
                sock.sendall(self.bytes_of(body, headers.items()))
                status, _, reply = read_reply(sock)
                reply = json.loads(reply)
                self.assertEqual((status, reply["id"]), (200, n))
                self.assertEqual("resultType" in reply["result"], era == "modern")

    def test_two_tenants_with_equal_ids_on_one_connection(self):
        _, other = self.fresh(tenant="other")
        urls = (self.url, other)
        with connect(self.url) as sock:
            seen = []
            for n in range(6):
                body, headers = message("tools/call", {"name": CUSTOMERS,
                                                       "arguments": {"limit": 1}}, 1)
                sock.sendall(request_bytes(self.stand.base, "POST",
                                           urllib.parse.urlsplit(urls[n % 2]).path,
                                           json.dumps(body).encode(), headers.items()))
                status, _, reply = read_reply(sock)
                self.assertEqual(status, 200)
                cursor = json.loads(reply)["result"]["structuredContent"]["pagination"]
                seen.append(cursor["next_cursor"])
        self.assertEqual(len(set(seen)), 6)


class TestStreams(McpCase):
    def stream(self, url=None, token="tok", era="modern", arguments=None, accept=None):
        """(status, headers, events) of a call with a progress token."""
        body, headers = message("tools/call", {"name": CUSTOMERS,
                                               "arguments": arguments or {"limit": 1}},
                                "s1", era, token)
        if accept:
            headers["Accept"] = accept
        path = urllib.parse.urlsplit(url or self.url).path
        with connect(self.url) as sock:
            sock.sendall(request_bytes(self.stand.base, "POST", path, json.dumps(body).encode(),
                                       headers.items()))
            status, fields, reply = read_reply(sock)
        return status, fields, reply

    def events(self, reply):
        found = []
        for block in reply.decode().split("\n\n"):
            if not block or block.startswith(":"):
                continue
            lines = block.split("\n")
            self.assertEqual(lines[0], "event: message")
            self.assertEqual(len(lines), 2, lines)
            self.assertTrue(lines[1].startswith("data: "))
            found.append(json.loads(lines[1][6:]))
        return found

    def test_a_progress_token_gets_a_stream_that_rises_and_ends_with_the_result(self):
        self.latency(300)
        for era in ("modern", "legacy"):
            for token in ("tok", 7, 0, "", "ü"):
                status, fields, reply = self.stream(token=token, era=era)
                self.assertEqual(status, 200)
                self.assertEqual(fields["content-type"], "text/event-stream")
                self.assertEqual(fields["cache-control"], "no-cache, no-transform")
                self.assertEqual(fields["x-accel-buffering"], "no")
                self.assertEqual(fields["transfer-encoding"], "chunked")
                self.assertNotIn("mcp-session-id", fields)
                for name in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
                    self.assertRegex(fields[name], r"^\d+$")
                events = self.events(reply)
                progress, last = events[:-1], events[-1]
                self.assertGreaterEqual(len(progress), 1)
                for event in progress:
                    self.assertEqual(event["method"], "notifications/progress")
                    self.assertEqual(event["params"]["progressToken"], token)
                    self.assertNotIn("id", event)
                rising = [event["params"]["progress"] for event in progress]
                self.assertEqual(rising, sorted(set(rising)))
                self.assertEqual(last["id"], "s1")
                self.assertEqual(len(self.data(last["result"])), 1)

    def test_without_a_token_or_without_an_ear_the_answer_is_json(self):
        self.assertEqual(self.stream(token=None)[1]["content-type"], "application/json")
        for accept in ("application/json", "*/*"):
            self.assertEqual(self.stream(accept=accept)[1]["content-type"], "application/json")
        for token in (1.5, True, [], {}):
            self.assertEqual(self.stream(token=token)[1]["content-type"], "application/json")

    def test_an_error_of_the_tool_ends_a_stream_too(self):
        status, fields, reply = self.stream(arguments={"limit": 0})
        self.assertEqual((status, fields["content-type"]), (200, "text/event-stream"))
        only, = self.events(reply)  # no progress: nothing was sent
        self.assertEqual(self.error(only["result"])["code"], "invalid_arguments")

    def test_an_unknown_tool_is_an_error_whatever_the_form(self):
        body, headers = message("tools/call", {"name": "no_such"}, 1, "legacy", "tok")
        status, fields, reply = self.post(body, headers)
        self.assertEqual(status, 200)
        text = reply.decode()
        last = json.loads(text if not text.startswith("event") else
                          text.strip().split("data: ")[-1])
        self.assertEqual(last["error"]["code"], -32602)

    def test_a_refusal_of_the_erp_is_429_even_with_a_token(self):
        for era in ("modern", "legacy"):
            self.fault("status", status=429)
            status, fields, reply = self.stream(era=era)
            self.assertEqual((status, fields["content-type"]), (429, "application/json"))
            for name in ("ratelimit-reset", "retry-after"):
                self.assertRegex(fields[name], r"^[1-9]\d*$")
            self.assertEqual(self.error(json.loads(reply)["result"])["code"], "rate_limited")
            self.data(self.stand.tool(self.url, CUSTOMERS, {"limit": 1})[2])

    def test_a_revoked_url_is_401_even_with_a_token(self):
        account, url = self.fresh(governor={"ceiling": 1, "queue_wait_ms": 60000})
        server = self.stand.mint(account["id"])
        self.hold()
        running = Volley(url, 1).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        body, headers = message("tools/call", {"name": CUSTOMERS, "arguments": {}}, 1,
                                token="tok")
        with connect(self.url) as sock:
            sock.sendall(request_bytes(self.stand.base, "POST",
                                       urllib.parse.urlsplit(server["url"]).path,
                                       json.dumps(body).encode(), headers.items()))
            wait_until(lambda: self.lane(account)["queued"] == 1, "one in line")
            self.stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"],
                                                                          server["id"]))
            self.assertEqual(read_reply(sock)[0], 401)
        self.release()
        running.results()

    def test_a_long_wait_begins_its_stream_before_the_answer(self):
        self.hold()
        body, headers = message("tools/call", {"name": CUSTOMERS, "arguments": {"limit": 1}}, 1,
                                token="tok")
        started = time.monotonic()
        with connect(self.url) as sock:
            sock.sendall(self.bytes_of(body, headers.items()))
            first = sock.recv(65536)
            began = time.monotonic() - started
            self.assertTrue(first.startswith(b"HTTP/1.1 200 "), first[:100])
            self.assertGreaterEqual(began, 9.5)
            self.assertEqual(self.stats()["in_flight"], 1)
            self.release()
            rest = b""
            while b"0\r\n\r\n" not in rest:
                piece = sock.recv(65536)
                self.assertTrue(piece, "the stream broke off")
                rest += piece
            self.assertIn(b'"structuredContent"', rest)


class TestCancelling(McpCase):
    def setUp(self):
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")

    def queued(self, account):
        return self.lane(account)["queued"]

    def test_a_legacy_client_cancels_by_a_message(self):
        account, url = self.fresh(governor={"ceiling": 1, "queue_wait_ms": 60000})
        path = urllib.parse.urlsplit(url).path
        self.hold()
        self.reset()
        running = Volley(url, 1, era="legacy", first_id=100).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        waiting = Volley(url, 2, era="legacy", first_id=1).send()
        wait_until(lambda: self.queued(account) == 2, "two in line")
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled",
                  "params": {"requestId": 1, "reason": "changed my mind"}}

        def send(body):
            with connect(self.url) as sock:
                sock.sendall(request_bytes(self.stand.base, "POST", path,
                                           json.dumps(body).encode(),
                                           [("MCP-Protocol-Version", LEGACY)]))
                self.assertEqual(read_reply(sock)[0], 202)
        for unknown in (999, "1", None, 1.5, {}):
            send(dict(cancel, params={"requestId": unknown}))
        self.assertEqual(self.queued(account), 2)
        send(cancel)
        wait_until(lambda: self.queued(account) == 1, "one in line")
        status, _, body = read_reply(waiting.sockets[0])
        self.assertEqual((status, body), (202, b""))
        self.release()
        self.assertEqual([status for status, _, _ in running.results()], [200])
        self.assertEqual(read_reply(waiting.sockets[1])[0], 200)
        waiting.hang_up()
        wait_until(lambda: self.stats()["in_flight"] == 0 and self.queued(account) == 0, "idle")
        self.assertEqual(self.stats()["requests"], 2)

    def test_a_url_cancels_its_own_calls_only(self):
        account, url = self.fresh(governor={"ceiling": 1, "queue_wait_ms": 60000})
        other = self.stand.mint(account["id"])["url"]
        self.hold()
        running = Volley(url, 1, era="legacy", first_id=50).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        waiting = Volley(url, 1, era="legacy", first_id=1).send()
        wait_until(lambda: self.queued(account) == 1, "one in line")
        self.stand.rpc(other, "notifications/cancelled", {"requestId": 1}, era="legacy",
                       message_id=5)
        with connect(self.url) as sock:
            sock.sendall(request_bytes(
                self.stand.base, "POST", urllib.parse.urlsplit(other).path,
                b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}'))
            self.assertEqual(read_reply(sock)[0], 202)
        self.assertEqual(self.queued(account), 1)
        self.release()
        for volley in (running, waiting):
            self.assertEqual([status for status, _, _ in volley.results()], [200])

    def test_a_modern_client_cancels_by_leaving(self):
        account, url = self.fresh(governor={"ceiling": 1, "queue_wait_ms": 60000})
        self.hold()
        self.reset()
        running = Volley(url, 1).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        waiting = Volley(url, 3).send()
        wait_until(lambda: self.queued(account) == 3, "three in line")
        waiting.hang_up()
        wait_until(lambda: self.queued(account) == 0, "an empty line")
        self.release()
        self.assertEqual([status for status, _, _ in running.results()], [200])
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.assertEqual(self.stats()["requests"], 1)
        outcomes = [e["outcome"] for e in self.stand.events()
                    if e["event"] == "tool_call" and e["account"] == account["id"]]
        self.assertEqual(sorted(outcomes), ["cancelled"] * 3 + ["ok"])

    def test_a_modern_client_that_leaves_its_stream_cancels(self):
        account, url = self.fresh(governor={"ceiling": 1, "queue_wait_ms": 60000})
        self.hold()
        self.reset()
        running = Volley(url, 1).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        body, headers = message("tools/call", {"name": CUSTOMERS, "arguments": {"limit": 1}}, 1,
                                token="tok")
        sock = connect(self.url)
        sock.sendall(request_bytes(self.stand.base, "POST", urllib.parse.urlsplit(url).path,
                                   json.dumps(body).encode(), headers.items()))
        wait_until(lambda: self.queued(account) == 1, "one in line")
        sock.close()
        wait_until(lambda: self.queued(account) == 0, "an empty line")
        self.release()
        running.results()
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.assertEqual(self.stats()["requests"], 1)


if __name__ == "__main__":
    main()
