# SPDX-License-Identifier: Apache-2.0
"""The query that its caller writes: off unless it is named, guarded, paged, text only."""
import json

import json_schema
from flow import NETSUITE_TOOLS, FlowCase, main

QUERY = "netsuite_suiteql_query"
INVOICES = "list_all_netsuite_invoices"


class QueryCase(FlowCase):
    flags = ("--upstream.read_timeout_ms", "1500", "--governor.lost_connection_hold_ms", "0")

    @classmethod
    def prepare(cls):
        cls.account, cls.plain = cls.fresh()
        cls.url = cls.stand.mint(cls.account["id"], {"tools": [QUERY, INVOICES]})["url"]
        _, _, listed = cls.stand.rpc(cls.url, "tools/list")
        cls.tools = {tool["name"]: tool for tool in listed["result"]["tools"]}

    def query(self, text, params=None, url=None, status=200, **more):
        arguments = dict(more, query=text)
        if params is not None:
            arguments["params"] = params
        got, _, result = self.stand.tool(url or self.url, QUERY, arguments)
        self.assertEqual(got, status, result)
        self.assertEqual(json.loads(result["content"][0]["text"]), result["structuredContent"])
        self.assertEqual(json_schema.faults(self.tools[QUERY]["outputSchema"],
                                            result["structuredContent"]), [])
        return result

    def failure(self, code, text, params=None, **more):
        error = self.error(self.query(text, params, **more))
        self.assertEqual(error["code"], code, error)
        return error


class TestShown(QueryCase):
    def names(self, url):
        return [tool["name"] for tool in self.stand.rpc(url, "tools/list")[2]["result"]["tools"]]

    def test_only_a_config_that_names_it_shows_it(self):
        self.assertEqual(self.names(self.plain), NETSUITE_TOOLS)
        for config, shown in (({"methods": ["read", "write", "custom"]}, False),
                              ({"methods": ["read", "query"]}, True),
                              ({"methods": ["query"]}, True), ({"tools": [QUERY]}, True),
                              ({"tags": ["query", "ledger"]}, False)):
            server = self.stand.mint(self.account["id"], config)
            names = self.names(server["url"])
            self.assertEqual(QUERY in names, shown, config)
            self.assertEqual(server["tools"], len(names))
        for config in ({"methods": ["custom"]}, {"tags": ["query"]}):
            path = "/integrated-account/%s/mcp" % self.account["id"]
            status, reply = self.stand.api("POST", path, {"name": "x", "config": config})
            self.assertEqual(status, 422, reply)

    def test_where_it_is_not_shown_it_cannot_be_called(self):
        before = self.stats()["requests"]
        for config in (None, {"methods": ["read", "write", "custom"]}):
            url = self.stand.mint(self.account["id"], config)["url"]
            _, _, reply = self.stand.rpc(url, "tools/call", {
                "name": QUERY, "arguments": {"query": "SELECT 1 AS a FROM dual"}})
            self.assertEqual(reply["error"]["code"], -32602)
        self.assertEqual(self.stats()["requests"], before)

    def test_it_says_that_it_reads(self):
        self.assertEqual(self.tools[QUERY]["annotations"],
                         {"readOnlyHint": True, "destructiveHint": False,
                          "idempotentHint": True, "openWorldHint": True})
        self.assertIn("before consolidation and elimination", self.tools[QUERY]["description"])


class TestQuery(QueryCase):
    def test_rows_are_columns_of_text(self):
        result = self.query("SELECT t.id, t.foreigntotal AS total, t.posting, t.closedate FROM "
                            "transaction t WHERE t.type = ? ORDER BY t.id", ["CustInvc"], limit=3)
        envelope = result["structuredContent"]
        self.assertEqual((envelope["resource"], envelope["method"]), ("suiteql", "query"))
        self.assertEqual(envelope["pagination"]["limit"], 3)
        for row in envelope["data"]:
            self.assertLessEqual(set(row), {"id", "total", "posting", "closedate"})
            self.assertTrue(all(isinstance(value, str) for value in row.values()))
            self.assertIn(row["posting"], ("T", "F"))
        said = envelope["_meta"]["messages"]
        self.assertEqual(len(said), 1)
        self.assertIn("before consolidation and elimination", said[0]["text"])

    def test_pages_hold_every_row_once(self):
        text = "SELECT t.id FROM transaction t WHERE t.type = ? ORDER BY t.id"
        found, cursor = [], None
        while True:
            more = {"next_cursor": cursor} if cursor else {}
            envelope = self.query(text, ["CustInvc"], limit=150, **more)["structuredContent"]
            found += [row["id"] for row in envelope["data"]]
            cursor = envelope["pagination"]["next_cursor"]
            if cursor is None:
                break
        self.assertEqual(len(found), len(set(found)))
        _, _, whole = self.stand.tool(self.url, QUERY, {
            "query": "SELECT COUNT(*) AS n FROM transaction t WHERE t.type = 'CustInvc'"})
        self.assertEqual(self.data(whole), [{"n": str(len(found))}])

    def test_a_cursor_belongs_to_its_query_and_params(self):
        text = "SELECT t.id FROM transaction t WHERE t.type = ? ORDER BY t.id"
        cursor = self.query(text, ["CustInvc"], limit=2)["structuredContent"][
            "pagination"]["next_cursor"]
        for other, params in ((text, ["VendBill"]), (text + " ", ["CustInvc"])):
            error = self.failure("invalid_arguments", other, params, next_cursor=cursor)
            self.assertEqual(error["details"][0]["pointer"], "/next_cursor")

    def test_without_an_order_pages_are_warned_of(self):
        envelope = self.query("SELECT id FROM customer", limit=2)["structuredContent"]
        self.assertEqual([m["code"] for m in envelope["_meta"]["messages"]],
                         ["suiteql", "no_order"])

    def test_the_row_cap_is_ours_whatever_the_query_says(self):
        for text in ("SELECT id FROM customer ORDER BY id",
                     "SELECT id FROM customer ORDER BY id FETCH FIRST 40 ROWS ONLY"):
            self.assertEqual(len(self.data(self.query(text))), 25)
        error = self.failure("invalid_arguments", "SELECT id FROM customer", limit=1000)
        self.assertEqual(error["details"][0]["pointer"], "/limit")
        targets = [one["target"] for one in self.last() if "/suiteql" in one["target"]]
        self.assertTrue(all("limit=" in target for target in targets))

    def test_amounts_and_texts_arrive_byte_for_byte(self):
        for value in ("12345678901234567.89", "100.10", "0.00", "-0.05"):
            row, = self.data(self.query("SELECT '%s' AS a, TO_NUMBER(?) AS b FROM dual" % value,
                                        [value]))
            self.assertEqual(row, {"a": value, "b": value})
        for text in ("a;b", "it's", "--", "/* */", "Ø 東京", "' OR 1=1 --", "?"):
            row, = self.data(self.query("SELECT ? AS a, '%s' AS b FROM dual" %
                                        text.replace("'", "''"), [text]))
            self.assertEqual(row, {"a": text, "b": text})

    def test_comments_never_leave(self):
        self.assertEqual(self.data(self.query("/* ; */ SELECT 1 AS a -- secret\nFROM dual")),
                         [{"a": "1"}])
        self.assertNotIn("secret", self.last()[-1]["body"])

    def test_what_does_not_only_read_never_reaches_the_erp(self):
        before = self.stats()["requests"]
        for text in ("DELETE FROM customer", "SELECT 1; DELETE FROM customer", "SELECT 1;",
                     "UPDATE customer SET email = 'x'", "SELECT id INTO x FROM customer",
                     "WITH x AS (SELECT 1) DELETE FROM customer", "SELECT 1 -- a\n; SELECT 2",
                     "SELECT 'a' ; 'b'", "SELECT q'[;]' FROM dual", "SELECT '\\'; SELECT 2 --'",
                     "SELECT `a` FROM dual", "EXPLAIN SELECT 1", "", "   ", "SELECT 'a FROM dual",
                     "SELECT 1 \uff1b SELECT 2", "SELECT\u00a01 FROM dual", "/* SELECT 1",
                     "SELECT id FROM customer FOR UPDATE", "x" * 16385,
                     "SELECT '" + "ø" * 8190 + "' AS a FROM dual"):
            error = self.failure("invalid_arguments", text)
            self.assertEqual([d["pointer"] for d in error["details"]], ["/query"], text)
        for text, params in (("SELECT ? AS a FROM dual", None), ("SELECT ? AS a FROM dual", []),
                             ("SELECT 1 AS a FROM dual", ["x"]),
                             ("SELECT '?' AS a FROM dual", ["x"])):
            error = self.failure("invalid_arguments", text, params)
            self.assertEqual([d["pointer"] for d in error["details"]], ["/params"], text)
        for params in (["x"] * 101, ["x" * 4001], [None], [[1]], "x"):
            error = self.failure("invalid_arguments", "SELECT ? AS a FROM dual", params)
            self.assertTrue(error["details"][0]["pointer"].startswith("/params"))
        self.assertEqual(self.stats()["requests"], before)

    def test_the_erp_s_own_refusal_is_told(self):
        error = self.failure("validation_failed", "SELECT nonsense FROM customer")
        self.assertIn("nonsense", error["upstream"]["message"])
        self.failure("permission_denied", "SELECT id FROM nowhere")
        self.fault("status", status=200, delay_ms=2500, body='{"items":[],"hasMore":false}')
        self.failure("upstream_unavailable", "SELECT id FROM customer")


if __name__ == "__main__":
    main()
