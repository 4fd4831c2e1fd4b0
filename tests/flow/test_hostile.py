# SPDX-License-Identifier: Apache-2.0
"""Hostile text in every argument: the query's shape never changes, the value stands in its place.

What counts is what the mock received: the text of the query is one that harmless values give too,
and the hostile value is found in `params` only. Seeded, so a failure comes back.
"""
import json
import random
import re
import urllib.parse

from flow import FlowCase, connect, main, read_reply, request_bytes

STRINGS = 1000
BATCH = 32
HARMLESS = {"date": "2026-06-30", "party_id": "149", "account_id": "16", "subsidiary_id": "1",
            "min_amount_due": "10.00"}
PIECES = [
    "'", "''", '"', "`", "--", "-- ", ";", "/*", "*/", "#", "%", "_", "\\", "\\'", "\\\\", "?",
    "??", ":1", "$1", "@x", "(", ")", ",", "||", "=", "<>", "!", "&", "|", "^", "~", "[", "]", "{", "}",
    "\t", "\n", "\r\n", "\x0b", "\x1b[31m", "\x7f", "\u0085", "\u00a0", "\u200b", "\u202e",
    "\ufeff", "\u2028", "\uff07", "ʼ", "ü", "東京", "💶", "é", "\U0010ffff", " ", "  ", "0", "1",
    "-1", "1e9", "0x27", "NULL", "null", "None", "OR", "AND", " OR 1=1", "' OR '1'='1", "UNION",
    " UNION SELECT id FROM customer", "DROP TABLE customer", "SELECT", "BUILTIN.DF(t.entity)",
    "BUILTIN.CF(t.status)", "TO_DATE('2026-01-01','YYYY-MM-DD')", "SYSDATE", "ROWNUM", "FETCH",
    "ORDER BY 1", "ESCAPE", "LIKE", "CHR(39)", "||CHR(39)||", "%27", "%00", "&apos;", "&#39;",
    "\\u0027", "\\x27", "${7*7}", "{{7*7}}", "$(id)", "`id`", "../", "..\\", "<script>", "\"}],\"q\":\"",
    '","params":["', "\\\"", "'||(SELECT 1)||'", "'/**/OR/**/1=1--", "');", "a" * 40, "%' ESCAPE '!",
]


def hostile_strings(rng):
    """STRINGS different texts: each piece alone, long ones, then random mixtures."""
    found = dict.fromkeys(PIECES)
    for long in ("a" * 10240, "'" * 10240, "%" * 10240, "ü" * 5120, "' OR 1=1 --" * 930, "?" * 254,
                 "\\" * 100, "_" * 100, "'" * 99, "?" * 50, ""):
        found[long] = None
    while len(found) < STRINGS:
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(2, 9)))
        if rng.random() < 0.2:
            text = "Hansen" + text
        found[text] = None
    return list(found)[:STRINGS]


def like(text):
    return "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"


class HostileCase(FlowCase):
    @classmethod
    def prepare(cls):
        cls.account, cls.url = cls.fresh()
        cls.path = urllib.parse.urlsplit(cls.url).path
        _, _, listed = cls.stand.rpc(cls.url, "tools/list")
        cls.tools = {tool["name"]: tool for tool in listed["result"]["tools"]}
        # Saved searches are listed by SOAP, whose one argument is of a closed list: no query.
        cls.lists = [name for name in cls.tools if name.startswith("list_all_")
                     and name != "list_all_netsuite_saved_searches"]
        cls.gets = [name for name in cls.tools if name.startswith("get_single_")]

    def calls(self, name, every):
        """The answers (parsed envelopes) to that tool with each of the argument objects."""
        answers = []
        with connect(self.url) as sock:
            for start in range(0, len(every), BATCH):
                part = every[start:start + BATCH]
                body = [{"jsonrpc": "2.0", "id": n, "method": "tools/call",
                         "params": {"name": name, "arguments": arguments}}
                        for n, arguments in enumerate(part)]
                sock.sendall(request_bytes(self.stand.base, "POST", self.path,
                                           json.dumps(body).encode(),
                                           [("Content-Type", "application/json")]))
                status, _, reply = read_reply(sock)
                self.assertEqual(status, 200, reply[:300])
                replies = json.loads(reply)
                self.assertEqual([r["id"] for r in replies], list(range(len(part))))
                answers += [json.loads(r["result"]["content"][0]["text"]) for r in replies]
        return answers

    def seen(self):
        """(target, parsed body) of all requests since the last reset."""
        found = self.last()
        self.assertEqual(len(found), self.stats()["requests"], "the mock forgot some")
        return [(one["target"], json.loads(one["body"]) if one["body"] else None)
                for one in found]

    def check_refusal(self, answer, pointer, text):
        self.assertEqual(answer["error"]["code"], "invalid_arguments", (pointer, text[:100]))
        self.assertEqual([d["pointer"] for d in answer["error"]["details"]], [pointer])

    def check_envelope(self, answer, wanted):
        self.assertEqual(list(answer), list(wanted))
        self.assertEqual(list(answer["pagination"]), ["next_cursor", "has_more", "limit"])
        self.assertEqual(list(answer["_meta"]), list(wanted["_meta"]))
        for row in answer["data"]:
            self.assertEqual(list(row), list(wanted["data"][0]))


class TestListArguments(HostileCase):
    def text_arguments(self, name):
        properties = self.tools[name]["inputSchema"]["properties"]
        return {argument: schema for argument, schema in properties.items()
                if schema.get("type") == "string" or argument == "limit"}

    def harmless(self, argument, schema):
        if argument == "limit":
            return "7"
        if schema.get("format") == "date":
            return HARMLESS["date"]
        if "enum" in schema:
            return schema["enum"][0]
        return HARMLESS.get(argument, "Hansen A/S")

    def test_no_string_in_any_argument_changes_a_query(self):
        tried = accepted_in_all = 0
        for name in self.lists:
            wanted = self.calls(name, [{"limit": 1}])[0]
            for argument, schema in self.text_arguments(name).items():
                if argument == "next_cursor":
                    continue
                accepted = self.check_argument(name, argument, schema, wanted)
                accepted_in_all += accepted
                tried += STRINGS
        print("\n%d strings tried, %d accepted and bound" % (tried, accepted_in_all), flush=True)
        self.assertGreater(tried, 25 * STRINGS)
        self.assertGreater(accepted_in_all, 5 * STRINGS)

    def check_argument(self, name, argument, schema, wanted):
        self.reset()
        harmless = self.harmless(argument, schema)
        base = {} if argument == "limit" else {"limit": 1}
        self.check_envelope(self.calls(name, [dict(base, **{argument: harmless})])[0], wanted)
        (_, shape), = self.seen()
        holes = shape["q"].count("?")
        self.assertEqual(shape.get("params", []),
                         [self.bound(argument, harmless)] * holes, (name, argument))

        self.reset()
        texts = hostile_strings(random.Random("%s %s" % (name, argument)))
        answers = self.calls(name, [dict(base, **{argument: text}) for text in texts])
        bound = []
        for text, answer in zip(texts, answers):
            if "error" in answer:
                self.check_refusal(answer, "/" + argument, text)
            else:
                self.check_envelope(answer, wanted)
                bound.append(text)
        self.check_what_arrived(argument, shape["q"], holes, bound)
        return len(bound)

    def bound(self, argument, text):
        return like(text) if argument == "name" else text

    def check_what_arrived(self, argument, query, holes, bound):
        seen = self.seen()
        params = []
        for target, body in seen:
            self.assertRegex(target, r"^/services/rest/query/v1/suiteql\?limit=\d+&offset=0$")
            self.assertLessEqual(set(body), {"q", "params"})
            self.assertEqual(body["q"], query)
            self.assertEqual(body.get("params", []), body.get("params", [])[:1] * holes)
            params += body.get("params", [])[:1]
        if holes:
            self.assertEqual(sorted(params), sorted(self.bound(argument, text) for text in bound))
        self.assertEqual(len(seen), len(bound))

    def test_text_that_is_bound_finds_what_it_names_and_nothing_else(self):
        for text in ("%", "_", "A/S", "O'Brien", "'", "\\", "Smith, Jones; & Co"):
            _, _, result = self.stand.tool(self.url, "list_all_netsuite_customers",
                                           {"name": text, "limit": 200})
            for row in self.data(result):
                words = "%s %s" % (row["number"], row["name"])
                self.assertIn(text.lower(), words.lower())

    def test_hostile_cursors_are_refused(self):
        self.reset()
        for name in self.lists:
            texts = hostile_strings(random.Random(name + " cursor"))
            for text, answer in zip(texts, self.calls(name, [{"next_cursor": t} for t in texts])):
                self.check_refusal(answer, "/next_cursor", text)
        self.assertEqual(self.stats()["requests"], 0)

    def test_two_hostile_arguments_at_once_keep_their_places(self):
        name = "list_all_netsuite_customers"
        texts = [t for t in hostile_strings(random.Random("two")) if 0 < len(t) <= 50]
        self.reset()
        pairs = list(zip(texts, reversed(texts)))[:200]
        answers = self.calls(name, [{"limit": 1, "number": a, "email": b} for a, b in pairs])
        self.assertEqual([a for a in answers if "error" in a], [])
        got = sorted(tuple(body["params"]) for _, body in self.seen())
        self.assertEqual(got, sorted(pairs))

    def test_names_of_arguments_are_no_way_in(self):
        texts = hostile_strings(random.Random("names"))
        self.reset()
        for name in self.lists:
            for answer in self.calls(name, [{text: "x"} for text in texts[:300]]):
                self.assertEqual(answer["error"]["code"], "invalid_arguments")
                self.assertEqual(len(answer["error"]["details"]), 1)
        self.assertEqual(self.stats()["requests"], 0)


RECORDS = {"get_single_netsuite_%s_by_id" % one: record for one, record in (
    ("customer", "customer"), ("invoice", "invoice"), ("journal_entry", "journalEntry"),
    ("vendor_bill", "vendorBill"), ("vendor", "vendor"))}


class TestIds(HostileCase):
    def test_an_id_stays_one_segment_of_the_path(self):
        for name in self.gets:
            record = RECORDS.get(name)
            if record is None:
                continue  # read by a query
            self.reset()
            texts = hostile_strings(random.Random(name))
            texts += ["eid:" + text for text in texts]
            texts += ["../customer/101", "101/../102", "101?expand=x", "101#x", "101%2f..", ".",
                      "..", "101;a=b", "101\r\nX: y", "//evil.example", "eid:x/../y", "@evil", "101 "]
            answers = self.calls(name, [{"id": text} for text in texts])
            passed = [text for text, answer in zip(texts, answers)
                      if answer.get("error", {}).get("code") != "invalid_arguments"]
            ids = {a["data"][0]["id"] for a in answers if "data" in a}
            for text, answer in zip(texts, answers):
                if "error" in answer:
                    self.assertIn(answer["error"]["code"],
                                  ("invalid_arguments", "not_found", "validation_failed",
                                   "permission_denied"), text)
                    continue
                self.assertEqual(len(answer["data"]), 1)
            decoded = []
            for target, body in self.seen():
                if body is not None:  # the second half of a record that was found
                    self.assertIn(body["params"], [[n] for n in ids])
                    continue
                found = re.fullmatch(r"/services/rest/record/v1/%s/((?:eid:)?[A-Za-z0-9_-]+)"
                                     r"(\?expandSubResources=true)?" % record, target)
                self.assertIsNotNone(found, target)
                decoded.append(found.group(1))
            self.assertEqual(sorted(decoded), sorted(passed))
            self.assertGreater(len(decoded), 5)


class TestWhatJsonCannotCarry(HostileCase):
    def test_text_with_nul_or_half_a_character_is_no_json_to_us(self):
        before = self.stats()["requests"]
        for text in (b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"', b'"\\udc00x"', b'"\xff"',
                     b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\x00"', b'"\n"'):
            body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":' \
                   b'"list_all_netsuite_customers","arguments":{"name":%s}}}' % text
            with connect(self.url) as sock:
                sock.sendall(request_bytes(self.stand.base, "POST", self.path, body))
                status, _, reply = read_reply(sock)
            self.assertEqual((status, json.loads(reply)["error"]["code"]), (400, -32700), text)
        self.assertEqual(self.stats()["requests"], before)

    def test_a_name_given_twice_is_no_json_to_us(self):
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":' \
               b'"list_all_netsuite_customers","arguments":{"limit":1,"limit":"2"}}}'
        with connect(self.url) as sock:
            sock.sendall(request_bytes(self.stand.base, "POST", self.path, body))
            status, _, reply = read_reply(sock)
        self.assertEqual((status, json.loads(reply)["error"]["code"]), (400, -32700))


if __name__ == "__main__":
    main()
