# SPDX-License-Identifier: Apache-2.0
"""mock-netsuite seen from outside: what it checks, what it answers, what it counts.

Run: SLUICE_BIN=build/bin python3 -m unittest discover -s tests/flow -p test_mock_netsuite.py
"""
import decimal
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
from random import Random

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mock_netsuite import (BIN, RECORD, RESTLET, SUITEQL, TODAY, Answer, Credentials, Mock,
                           authorization)

COUNT = "SELECT COUNT(*) AS n FROM customer"


def dec(text):
    return decimal.Decimal(text)


class Case(unittest.TestCase):
    """One mock per class; every test starts from a reset one."""

    args = ()

    @classmethod
    def setUpClass(cls):
        cls.mock = Mock(*cls.args)

    @classmethod
    def tearDownClass(cls):
        status, said = cls.mock.stop()
        # A sanitizer's report is a failure of the test that ran before it.
        if status != 0 or said:
            raise AssertionError("mock ended with %d: %s" % (status, said[:3000]))

    def setUp(self):
        for method, path, body in (
                ("DELETE", "/faults", None), ("PUT", "/latency", {"ms": 0, "jitter_ms": 0}),
                ("PUT", "/limits", {"concurrency": 15}), ("PUT", "/clock", {"skew_seconds": 0}),
                ("POST", "/reset", None)):
            self.assertEqual(200, self.mock.control(method, path, body)[0])

    def parallel(self, count, call):
        """Runs call(i) in `count` threads; returns the results."""
        results = [None] * count

        def run(i):
            results[i] = call(i)

        threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def wait_for(self, what, value, key="in_flight"):
        """Until GET /stats says so: a state to reach, not a time to hope for."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            stats = self.mock.stats()
            if stats[key] == value:
                return stats
            time.sleep(0.005)
        self.fail("%s: %s never became %s: %s" % (what, key, value, stats))


class Login(Case):
    args = ("--lockout-seconds", "1800")

    def status(self, target=RECORD + "/currency/1", **change):
        return self.mock.call("GET", target, **change).status

    def test_a_right_signature_is_let_in(self):
        self.assertEqual(200, self.status())

    def test_oauth_version_may_be_left_out(self):
        self.assertEqual(200, self.status(version=None))

    def test_the_query_is_part_of_the_signature_however_it_is_written(self):
        for query in ("?limit=2&offset=0", "?offset=0&limit=2", "?limit=2&offset=%30",
                      "?x=a%20b&limit=2", "?x=%C3%A6%2B%26&limit=2", "?b=9&b=10&B=1&limit=2",
                      "?x=a+b&limit=2", "?x&limit=2", "?x=&limit=2", "?%2a=*&limit=2"):
            with self.subTest(query):
                self.assertEqual(200, self.status(RECORD + "/currency" + query))

    def test_raw_marks_in_the_path_are_signed_as_they_stand(self):
        self.assertEqual(200, self.status(RECORD + "/customer/eid:crm-5000"))

    def test_a_restlet_signs_script_and_deploy(self):
        target = RESTLET + "?script=customscript_x&deploy=1&q=%C3%B8"
        answer = self.mock.call("POST", target, "{}", {"Content-Type": "application/json"})
        self.assertEqual(200, answer.status)
        self.assertEqual({"script": "customscript_x", "deploy": "1", "method": "POST"},
                         answer.json)

    def test_a_target_changed_after_signing_is_refused(self):
        header = {"Authorization": authorization(self.mock.who, "GET", self.mock.host,
                                                 RECORD + "/currency?limit=2")}
        connection = self.mock.connect()
        connection.request("GET", RECORD + "/currency?limit=3", headers=header)
        self.assertEqual(401, Answer(connection.getresponse()).status)
        connection.close()

    def test_wrong_parts_are_refused_with_the_reason_in_the_audit_only(self):
        now = int(time.time())
        wrong = (
            ("InvalidSignature", {"signature": "AAAA"}),
            ("UnknownAlgorithm", {"signature_method": "HMAC-SHA1"}),
            ("VersionRejected", {"version": "2.0"}),
            ("AccountMismatch", {"realm": self.mock.who.account_id.lower()}),
            ("AccountMismatch", {"realm": "OTHER"}),
            ("MissingTokenPassportRequiredFields", {"realm": None}),
            ("MissingTokenPassportRequiredFields", {"nonce": None}),
            ("consumer_key_unknown", {"consumer_key": "nobody"}),
            ("token_rejected", {"token": "nobody"}),
            ("InvalidTimestamp", {"timestamp": str(now - 400)}),
            ("InvalidTimestamp", {"timestamp": str(now + 400)}),
            ("InvalidTimestamp", {"timestamp": "soon"}),
            ("nonce_rejected", {"nonce": "abc12"}),
            ("nonce_rejected", {"nonce": "a" * 65}),
            ("nonce_rejected", {"nonce": "abc-123-def"}),
        )
        for reason, change in wrong:
            with self.subTest(reason=reason, change=str(change)):
                self.mock.control("POST", "/reset")
                answer = self.mock.call("GET", RECORD + "/currency/1", **change)
                self.assertEqual(401, answer.status)
                self.assertNotIn(reason.encode(), answer.body)
                stats = self.mock.stats()
                self.assertEqual({reason: 1}, stats["auth_failures"])
                self.assertEqual((1, 1), (stats["requests"], stats["refused_auth"]))

    def test_a_timestamp_within_five_minutes_is_let_in(self):
        now = int(time.time())
        self.assertEqual(200, self.status(timestamp=str(now - 290)))
        self.assertEqual(200, self.status(timestamp=str(now + 290)))

    def test_a_nonce_serves_once_per_timestamp(self):
        stamp = str(int(time.time()))
        self.assertEqual(200, self.status(nonce="abcdef123456", timestamp=stamp))
        self.assertEqual(401, self.status(nonce="abcdef123456", timestamp=stamp))
        later = str(int(stamp) + 1)
        self.assertEqual(200, self.status(nonce="abcdef123456", timestamp=later))
        self.assertEqual({"NonceUsed": 1}, self.mock.stats()["auth_failures"])

    def test_a_wrong_signature_does_not_use_up_a_nonce(self):
        stamp = str(int(time.time()))
        self.assertEqual(401, self.status(nonce="onlyonce1", timestamp=stamp, signature="AA"))
        self.assertEqual(200, self.status(nonce="onlyonce1", timestamp=stamp))

    def test_five_failures_in_a_row_lock_the_token_for_the_period(self):
        for _ in range(5):
            self.assertEqual(401, self.status(signature="AAAA"))
        self.assertEqual(401, self.status())
        self.assertEqual(1, self.mock.stats()["auth_failures"]["temporary_locked"])

        self.mock.control("PUT", "/clock", {"skew_seconds": 1799})
        stamp = str(int(time.time()) + 1799)
        self.assertEqual(401, self.status(timestamp=stamp))
        self.mock.control("PUT", "/clock", {"skew_seconds": 1805})
        stamp = str(int(time.time()) + 1805)
        self.assertEqual(200, self.status(timestamp=stamp))

    def test_a_success_between_failures_keeps_the_token_open(self):
        for _ in range(3):
            for _ in range(4):
                self.assertEqual(401, self.status(signature="AAAA"))
            self.assertEqual(200, self.status())

    def test_a_skewed_server_clock_refuses_a_right_client(self):
        self.mock.control("PUT", "/clock", {"skew_seconds": 3600})
        self.assertEqual(401, self.status())

    def test_rest_says_no_as_netsuite_does(self):
        answer = self.mock.call("GET", RECORD + "/currency/1", signature="AAAA")
        self.assertEqual("close", answer.headers["connection"])
        self.assertEqual('OAuth realm="TSTDRV1234567", error="token_rejected", '
                         'error_description="Invalid login attempt."',
                         answer.headers["www-authenticate"])
        self.assertEqual("application/vnd.oracle.resource+json; type=error; charset=UTF-8",
                         answer.headers["content-type"])
        self.assertEqual({
            "type": "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.2",
            "title": "Unauthorized", "status": 401,
            "o:errorDetails": [{
                "detail": "Invalid login attempt. For more details, see the Login Audit Trail in "
                          "the NetSuite UI at Setup > Users/Roles > User Management > View Login "
                          "Audit Trail.",
                "o:errorCode": "INVALID_LOGIN"}]}, answer.json)

    def test_a_restlet_says_no_in_its_own_words(self):
        answer = self.mock.call("GET", RESTLET + "?script=1&deploy=1", signature="AAAA")
        self.assertEqual(401, answer.status)
        self.assertEqual({"error": {"code": "INVALID_LOGIN_ATTEMPT",
                                    "message": "Invalid login attempt."}}, answer.json)

    def test_headers_that_are_no_oauth_are_refused(self):
        for value in ("", "Bearer x", "OAuth", "OAuth x", 'OAuth realm="A', 'OAuth realm=A',
                      'OAuth realm="A" realm="A"', 'OAuth realm="A", realm="A"',
                      'OAuth ' + ", ".join('p%d="v"' % i for i in range(50))):
            with self.subTest(value):
                answer = self.mock.call("GET", RECORD + "/currency/1",
                                        headers={"Authorization": value})
                self.assertEqual(401, answer.status)

    def test_a_second_pair_of_the_account_and_a_second_account_are_let_in(self):
        pair = Credentials(self.mock.who.account_id, "ck2", "cs2", "tk2", "ts2")
        other = Credentials("OTHER_SB1", "ck3", "cs3", "tk3", "ts3")
        for who in (pair, other):
            self.mock.control("POST", "/accounts", vars(who))
            self.assertEqual(200, self.mock.query(COUNT, who=who).status)
        # The signature is right, the account is not the token's.
        self.assertEqual(401, self.mock.query(
            COUNT, who=Credentials("OTHER_SB1", "ck2", "cs2", "tk2", "ts2")).status)
        status, said = self.mock.control("POST", "/accounts", vars(pair))
        self.assertEqual(400, status)
        self.assertIn("taken", said["error"])

    def test_the_servers_time_can_be_read(self):
        answer = self.mock.call("GET", "/services/rest/system/v1/serverTime")
        self.assertRegex(answer.json["serverTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


class Request(Case):
    """What the query service wants of a request before it looks at the SQL."""

    def test_the_shape_of_an_answer(self):
        answer = self.mock.query("SELECT id, companyname, isperson FROM customer ORDER BY id",
                                 limit=2, offset=44)
        self.assertEqual(200, answer.status)
        self.assertEqual("transient", answer.headers["preference-applied"])
        self.assertEqual("application/vnd.oracle.resource+json; type=collection; charset=UTF-8",
                         answer.headers["content-type"])
        self.assertEqual("No-Cache", answer.headers["cache-control"])
        self.assertRegex(answer.headers["x-netsuite-jobid"],
                         r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        url = self.mock.said["url"] + SUITEQL
        self.assertEqual({
            "links": [
                {"rel": "previous", "href": url + "?limit=2&offset=42", "method": "POST"},
                {"rel": "first", "href": url + "?limit=2&offset=0", "method": "POST"},
                {"rel": "next", "href": url + "?limit=2&offset=46", "method": "POST"},
                {"rel": "last", "href": url + "?limit=2&offset=48", "method": "POST"},
                {"rel": "self", "href": url + "?limit=2&offset=44", "method": "POST"}],
            "count": 2, "hasMore": True,
            "items": [{"links": [], "companyname": "Zephyr Airlines", "id": "145",
                       "isperson": "F"},
                      {"links": [], "id": "146", "isperson": "T"}],
            "offset": 44, "totalResults": 50}, answer.json)
        self.assertTrue(answer.body.startswith(b'{"links":['))
        self.assertIn(b'{"links":[],"companyname":"Zephyr Airlines","id":"145","isperson":"F"}',
                      answer.body)

    def test_prefer_transient_is_required(self):
        answer = self.mock.query(COUNT, headers={"Prefer": "respond-async"})
        self.assertEqual(400, answer.status)
        self.assertEqual("Prefer", answer.json["o:errorDetails"][0]["o:errorHeader"])

    def test_limits_and_offsets_that_make_no_page_are_refused(self):
        for limit, offset, name in ((0, 0, "limit"), (1001, 0, "limit"), ("x", 0, "limit"),
                                    (10, 5, "offset"), (10, -10, "offset"),
                                    (1, 1000, "offset"), (1000, 100000, "offset")):
            with self.subTest(limit=limit, offset=offset):
                answer = self.mock.query(COUNT, limit=limit, offset=offset)
                self.assertEqual((400, "INVALID_PARAMETER"), (answer.status, answer.code))
                self.assertEqual(name, answer.json["o:errorDetails"][0]["o:errorQueryParam"])
                self.assertEqual("close", answer.headers["connection"])

    def test_pages_cover_all_rows_once(self):
        sql = "SELECT id FROM transaction ORDER BY id"
        whole = [r["id"] for r in self.mock.rows(sql, limit=1000)]
        whole += [r["id"] for r in self.mock.rows(sql, limit=1000, offset=1000)]
        pages, offset = [], 0
        while True:
            answer = self.mock.query(sql, limit=250, offset=offset).json
            pages += [r["id"] for r in answer["items"]]
            self.assertEqual(len(whole), answer["totalResults"])
            if not answer["hasMore"]:
                break
            offset += 250
        self.assertEqual(whole, pages)
        self.assertEqual(len(whole), len(set(whole)))
        self.assertGreaterEqual(len(whole), 1000)

    def test_an_offset_behind_the_end_is_an_empty_page(self):
        answer = self.mock.query("SELECT id FROM currency", limit=5, offset=500).json
        self.assertEqual((0, False, [], 5),
                         (answer["count"], answer["hasMore"], answer["items"],
                          answer["totalResults"]))

    def test_bodies_that_are_no_query_are_refused(self):
        headers = {"Content-Type": "application/json", "Prefer": "transient"}
        for body in ("", "{", "[]", '{"q":1}', '{"q":""}', '{"q":"SELECT 1 FROM dual","q":"x"}',
                     '{"q":"SELECT 1 FROM dual","params":{}}', '{"q":"a\\u0000b"}', "{\"q\":\0}"):
            with self.subTest(body):
                self.assertEqual(400, self.mock.call("POST", SUITEQL, body, headers).status)
        self.assertEqual(415, self.mock.call("POST", SUITEQL, "{}", {
            "Content-Type": "text/plain", "Prefer": "transient"}).status)
        self.assertEqual(405, self.mock.call("GET", SUITEQL).status)

    def test_params_must_match_the_question_marks(self):
        for sql, params in ((COUNT, ["x"]), ("SELECT id FROM customer WHERE id = ?", []),
                            ("SELECT id FROM customer WHERE id = ?", None),
                            ("SELECT id FROM customer WHERE id = ?", [[1]])):
            with self.subTest(sql=sql, params=params):
                self.assertEqual((400, "INVALID_PARAMETER"),
                                 (lambda a: (a.status, a.code))(self.mock.query(sql, params)))

    def test_unknown_paths_are_not_found(self):
        self.assertEqual(404, self.mock.call("GET", "/services/rest/nothing").status)


class Dialect(Case):
    def one(self, expression, *params):
        return self.mock.rows("SELECT %s AS v FROM dual" % expression, *params)[0].get("v")

    def refused(self, sql, *params):
        answer = self.mock.query(sql, list(params))
        self.assertEqual((400, "INVALID_PARAMETER"), (answer.status, answer.body and answer.code),
                         answer.body[:300])
        self.assertEqual("q", answer.json["o:errorDetails"][0]["o:errorQueryParam"])
        start = "Invalid search query. Detailed unprocessed description follows. " \
                "Search error occurred: "
        self.assertTrue(answer.detail.startswith(start), answer.detail)
        return answer.detail[len(start):]

    def test_values(self):
        for expression, params, expected in (
                ("1 + 2 * 3", (), "7"),
                ("(1 + 2) * 3", (), "9"),
                ("-5 - -3", (), "-2"),
                ("10 / 4", (), "2.5"),
                ("1 / 3", (), "0.33333333333333333333"),
                ("0.1 + 0.2", (), "0.3"),
                ("TO_NUMBER('12345678901234567.89') + 0.01", (), "12345678901234567.90"),
                ("TO_NUMBER(?)", ("100.10",), "100.10"),
                ("TO_NUMBER(?) * -1", ("12345678901234567.89",), "-12345678901234567.89"),
                ("ABS(-100.10)", (), "100.10"),
                ("ABS(-3)", (), "3"),
                ("ROUND(2.345, 2)", (), "2.35"),
                ("ROUND(-2.5)", (), "-3"),
                ("TRUNC(2.999, 1)", (), "2.9"),
                ("FLOOR(-1.5)", (), "-2"),
                ("CEIL(1.2)", (), "2"),
                ("MOD(7, 3)", (), "1"),
                ("SIGN(-0.01)", (), "-1"),
                ("NVL(NULL, 'x')", (), "x"),
                ("NVL2('a', 1, 2)", (), "1"),
                ("NULLIF('a', 'a')", (), None),
                ("COALESCE(NULL, NULL, 'z')", (), "z"),
                ("DECODE(2, 1, 'one', 2, 'two', 'many')", (), "two"),
                ("DECODE(NULL, NULL, 'none', 'some')", (), "none"),
                ("GREATEST(9.5, 10)", (), "10"),
                ("LEAST(9.5, 10)", (), "9.5"),
                ("CASE WHEN 2 > 10 THEN 'a' ELSE 'b' END", (), "b"),
                ("CASE 'x' WHEN 'x' THEN 1.50 ELSE 2 END", (), "1.50"),
                ("'a' || NULL || 'b'", (), "ab"),
                ("'it''s'", (), "it's"),
                ("''", (), None),
                ("CONCAT('a', 'b')", (), "ab"),
                ("UPPER('sørensen größe łódź рога')", (), "SØRENSEN GRÖßE ŁÓDŹ РОГА"),
                ("LOWER('ÆØÅ ÑÜ 株')", (), "æøå ñü 株"),
                ("LENGTH('株式会社')", (), "4"),
                ("SUBSTR('abcdef', 2, 3)", (), "bcd"),
                ("INSTR('abc', 'c')", (), "3"),
                ("REPLACE('Bill : Open', 'Bill : ')", (), "Open"),
                ("REPLACE('aXb', 'X', 'y')", (), "ayb"),
                ("TRIM('  x ')", (), "x"),
                ("SYSDATE", (), "11/20/2026"),
                ("TO_CHAR(SYSDATE, 'YYYY-MM-DD')", (), TODAY),
                ("TO_CHAR(TRUNC(SYSDATE, 'MM'), 'DD MON YYYY')", (), "01 Nov 2026"),
                ("TO_CHAR(TO_DATE('2026-01-31 23:05:09','YYYY-MM-DD HH24:MI:SS'), "
                 "'MM/DD/YYYY HH:MI AM')", (), "01/31/2026 11:05 PM"),
                ("TO_CHAR(ADD_MONTHS(TO_DATE('2024-01-31','YYYY-MM-DD'), 1), 'YYYY-MM-DD')", (),
                 "2024-02-29"),
                ("TO_CHAR(LAST_DAY(TO_DATE('2023-02-03','YYYY-MM-DD')), 'YYYY-MM-DD')", (),
                 "2023-02-28"),
                ("TO_DATE('2026-03-01','YYYY-MM-DD') - TO_DATE('2026-02-01','YYYY-MM-DD')", (),
                 "28"),
                ("TO_CHAR(TRUNC(SYSDATE) - 20, 'YYYY-MM-DD')", (), "2026-10-31"),
                ("TO_CHAR(TRUNC(SYSDATE) + 0.5, 'HH24:MI')", (), "12:00")):
            with self.subTest(expression):
                self.assertEqual(expected, self.one(expression, *params))

    def test_conditions(self):
        for condition, params, expected in (
                ("2 < 10", (), True),
                ("'2' < '10'", (), False),
                ("TO_NUMBER('2') < TO_NUMBER('10')", (), True),
                ("TO_NUMBER('1.0') = 1", (), True),
                ("TO_NUMBER(?) > 99.5", ("100",), True),
                ("10 > ?", ("9",), True),
                ("1 BETWEEN ? AND ?", ("0", "10"), True),
                ("5 NOT BETWEEN 1 AND 4", (), True),
                ("100.10 IN (1, TO_NUMBER('100.1'))", (), True),
                ("'b' NOT IN ('a', 'c')", (), True),
                ("NULL = NULL", (), False),
                ("NOT (NULL = 1)", (), False),
                ("NULL IS NULL", (), True),
                ("'x' IS NOT NULL AND (1 = 2 OR 3 = 3)", (), True),
                ("'Straße' LIKE 'Stra_e'", (), True),
                ("'ABC' LIKE 'a%'", (), False),
                ("'50%' LIKE '50!%' ESCAPE '!'", (), True),
                ("'500' LIKE '50!%' ESCAPE '!'", (), False),
                ("? = ''", ("",), False),
                ("? IS NULL", ("",), True),
                ("EXISTS (SELECT 1 FROM currency WHERE symbol = ?)", ("JPY",), True),
                ("TO_DATE(?,'YYYY-MM-DD') > SYSDATE", ("2026-11-21",), True)):
            with self.subTest(condition):
                found = self.mock.rows("SELECT 1 AS v FROM dual WHERE " + condition, *params)
                self.assertEqual(expected, len(found) == 1)

    def test_refusals_name_the_fault(self):
        for sql, words in (
                ("SELECT foo FROM transaction",
                 "Unknown identifier 'foo'. Available identifiers are: "
                 "{transaction=transaction}."),
                ("SELECT x.id FROM transaction t, customer c",
                 "Unknown identifier 'x'. Available identifiers are: "
                 "{t=transaction, c=customer}."),
                ("SELECT t.subsidiary FROM transaction t",
                 "Field 'subsidiary' for record 'transaction' was not found. "
                 "Reason: REMOVED - Field is removed"),
                ("SELECT id FROM secrets", "Record 'secrets' was not found."),
                ("SELECT id FROM sqlite_master", "Record 'sqlite_master' was not found."),
                ('SELECT id FROM "mock code"', "Record 'mock code' was not found."),
                ("SELECT id FROM customer LIMIT 5", "unexpected 'limit'"),
                ("SELECT id FROM customer; SELECT 1 FROM dual", "unexpected character at 24"),
                ("DROP TABLE customer", "unexpected 'drop' where SELECT was expected"),
                ("UPDATE customer SET id = 1", "unexpected 'update'"),
                ("PRAGMA writable_schema", "unexpected 'pragma'"),
                ("SELECT load_extension('x') FROM dual", "unknown function 'load_extension'"),
                ("SELECT ns_sum(1) FROM dual", "unknown function 'ns_sum'"),
                ("SELECT UPPER() FROM dual", "takes 1 to 1 arguments"),
                ("SELECT 'x FROM dual", "a quote is not closed"),
                ("SELECT id FROM customer WHERE id", "a value stands where a condition"),
                ("SELECT id = 1 FROM customer", "a condition stands where a value"),
                ("SELECT currency, COUNT(*) FROM customer", "neither grouped nor aggregated"),
                ("SELECT currency, COUNT(*) AS n FROM customer GROUP BY currency ORDER BY n",
                 "Invalid or unsupported search"),
                ("SELECT id FROM customer WHERE COUNT(*) > 1", "WHERE holds an aggregate"),
                ("SELECT id FROM customer c, vendor v", "column 'id' is ambiguous"),
                ("SELECT trandate + trandate FROM transaction", "dates cannot be added"),
                ("SELECT id FROM transaction WHERE trandate > 5", "compared with a number"),
                ("SELECT id FROM customer UNION SELECT id, email FROM customer",
                 "different numbers of columns"),
                ("SELECT " + "(" * 100 + "1" + ")" * 100 + " FROM dual", "nested deeper"),
                ("SELECT 1 FROM dual WHERE " + "NOT " * 100 + "1 = 1", "nested deeper"),
                ("SELECT " + "- " * 100 + "1 FROM dual", "nested deeper"),
                ("SELECT TO_CHAR(SYSDATE, 'YYYY\"x\"') AS x FROM dual", "Invalid date format"),
                ("SELECT TO_NUMBER('abc') AS x FROM dual", "Invalid number"),
                ("SELECT 1 / 0 AS x FROM dual", "division by zero"),
                ("SELECT 999999999999999999 * 999999999999999999 AS x FROM dual",
                 "Numeric overflow"),
                ("SELECT TO_DATE('2026-02-30','YYYY-MM-DD') AS x FROM dual", "Invalid date"),
                ("SELECT id FROM transaction WHERE trandate = 'yesterday'", "Invalid date"),
                ("SELECT id FROM customer WHERE id IN (" + "1," * 1500 + "1)", "more than 1000"),
                ("   ", "the query ends where SELECT was expected")):
            with self.subTest(sql[:80]):
                self.assertIn(words, self.refused(sql))

    def test_long_chains_of_conditions_run_and_endless_ones_are_refused(self):
        chain = "SELECT COUNT(*) AS n FROM customer WHERE id = 0 "
        self.assertEqual("1", self.mock.rows(chain + "OR id = 101 " * 500)[0]["n"])
        self.assertEqual("0", self.mock.rows(chain + "AND id = 101 " * 500)[0]["n"])
        for tail in ("OR id = 1 " * 10000, "OR id IN (%s)" % "+".join(["1"] * 20000)):
            self.assertIn("more than 3000 operators", self.refused(chain + tail))

    def test_a_runaway_query_is_ended(self):
        said = self.refused("SELECT COUNT(*) AS n FROM transactionline a, transactionline b, "
                            "transactionline c WHERE a.memo = b.memo || c.memo")
        self.assertEqual("Your search has timed out.", said)

    def test_hostile_texts_stay_values(self):
        texts = ["'", "''", "' OR '1'='1", "x'; DROP TABLE customer; --", "?", "--", "/*", "\\",
                 "%", "_", "\"", "株式会社ミドリ", "🚀", "NULL", "') UNION SELECT 1 FROM dual --",
                 "\n\t", "a" * 5000]
        for text in texts:
            with self.subTest(text[:40]):
                rows = self.mock.rows("SELECT ? AS v, COUNT(*) AS n FROM customer "
                                      "WHERE companyname = ?", text, text)
                self.assertEqual(text, rows[0]["v"])
                literal = "'" + text.replace("'", "''") + "'"
                self.assertEqual(text, self.one(literal))
        self.assertEqual("50", self.mock.rows(COUNT)[0]["n"])

    def test_arithmetic_agrees_with_pythons_decimal(self):
        random = Random(7)
        decimal.getcontext().prec = 60

        def number():
            digits = "".join(random.choice("0123456789") for _ in range(random.randint(1, 16)))
            places = random.randint(0, 6)
            text = digits + ("." + "".join(random.choice("0123456789") for _ in range(places))
                             if places else "")
            return random.choice(["", "-"]) + text

        for _ in range(60):
            a, b = number(), number()
            row = self.mock.rows("""SELECT x + y AS plus, x - y AS less_y, x * y AS times,
                  CASE WHEN x < y THEN 'T' ELSE 'F' END AS less, ROUND(x, 2) AS rounded,
                  CASE WHEN y = 0 THEN NULL ELSE x / y END AS quotient
                FROM (SELECT TO_NUMBER(?) AS x, TO_NUMBER(?) AS y FROM dual)""", a, b)[0]
            x, y = dec(a), dec(b)
            self.assertEqual((x + y, x - y, x * y),
                             tuple(dec(row[k]) for k in ("plus", "less_y", "times")), (a, b))
            self.assertEqual("T" if x < y else "F", row["less"])
            self.assertEqual(x.quantize(dec("0.01"), decimal.ROUND_HALF_UP), dec(row["rounded"]))
            if y:
                error = abs(dec(row["quotient"]) - x / y)
                self.assertLessEqual(error, max(dec("1e-19"), abs(x / y) * dec("1e-30")))

    def test_decimal_params_arrive_as_they_were_written(self):
        body = '{"q":"SELECT TO_NUMBER(?) AS a, ? AS b FROM dual",' \
               '"params":[12345678901234567.89,100.10]}'
        answer = self.mock.call("POST", SUITEQL, body, {"Content-Type": "application/json",
                                                        "Prefer": "transient"})
        self.assertEqual({"links": [], "a": "12345678901234567.89", "b": "100.10"},
                         answer.json["items"][0])

    def test_row_limits(self):
        sql = "SELECT id FROM customer ORDER BY id"
        first = self.mock.query(sql + " FETCH FIRST 7 ROWS ONLY", limit=5, offset=5).json
        self.assertEqual((7, 2, False), (first["totalResults"], first["count"], first["hasMore"]))
        self.assertEqual(["106", "107"], [r["id"] for r in first["items"]])
        for where, count in (("ROWNUM <= 3", 3), ("ROWNUM < 3", 2), ("id > 120 AND ROWNUM <= 4", 4)):
            rows = self.mock.rows("SELECT id FROM customer WHERE " + where)
            self.assertEqual(count, len(rows))
        rows = self.mock.rows("SELECT * FROM (SELECT id, entityid FROM customer ORDER BY id DESC) "
                              "WHERE ROWNUM <= 2")
        self.assertEqual(["150", "149"], [r["id"] for r in rows])

    def test_joins_subqueries_unions_and_with(self):
        rows = self.mock.rows("""
            WITH open AS (SELECT entity, SUM(foreignamountunpaid) AS total FROM transaction
                          WHERE type = 'CustInvc' GROUP BY entity)
            SELECT c.id, o.total FROM customer c LEFT JOIN open o ON o.entity = c.id
            WHERE o.total > 0 ORDER BY o.total DESC, c.id""")
        totals = [dec(r["total"]) for r in rows]
        self.assertEqual(sorted(totals, reverse=True), totals)
        rows = self.mock.rows("""SELECT type, n FROM (
              SELECT 'c' AS type, COUNT(*) AS n FROM customer UNION ALL
              SELECT 'v' AS type, COUNT(*) AS n FROM vendor) ORDER BY type""")
        self.assertEqual([{"type": "c", "n": "50"}, {"type": "v", "n": "25"}], rows)
        rows = self.mock.rows("SELECT id FROM currency WHERE id IN (SELECT currency FROM customer) "
                              "MINUS SELECT id FROM currency WHERE symbol = ? ORDER BY 1", "EUR")
        used = {r["currency"] for r in self.mock.rows("SELECT currency FROM customer")}
        self.assertEqual(sorted(used - {"1"}), [r["id"] for r in rows])

    def test_ordering_puts_nulls_where_oracle_does(self):
        up = self.mock.rows("SELECT id, companyname FROM customer ORDER BY companyname, id")
        self.assertNotIn("companyname", up[-1])
        down = self.mock.rows("SELECT id, companyname FROM customer ORDER BY companyname DESC")
        self.assertNotIn("companyname", down[0])

    def test_amounts_sort_and_group_as_numbers(self):
        rows = self.mock.rows("SELECT foreigntotal FROM transaction ORDER BY foreigntotal, id")
        numbers = [dec(r["foreigntotal"]) for r in rows]
        self.assertEqual(sorted(numbers), numbers)
        rows = self.mock.rows("SELECT DISTINCT foreignamountunpaid FROM transaction "
                              "WHERE foreignamountunpaid = 0")
        self.assertEqual(1, len(rows))  # 0 yen and 0.00 euro are one number


class Company(Case):
    def test_the_same_seed_and_day_make_the_same_company(self):
        def dump(mock):
            rows = []
            for table in ("transaction", "transactionline", "transactionaccountingline",
                          "customer", "vendor", "accountingperiod"):
                for offset in (0, 1000):
                    rows += mock.rows("SELECT * FROM " + table, limit=1000, offset=offset)
            return rows

        here = dump(self.mock)
        twin, other = Mock(), Mock("--seed", "2")
        try:
            self.assertEqual(here, dump(twin))
            self.assertNotEqual(here, dump(other))
        finally:
            self.assertEqual((0, ""), twin.stop())
            self.assertEqual((0, ""), other.stop())

    def test_the_numbers_asked_for(self):
        counts = {t: int(self.mock.rows("SELECT COUNT(*) AS n FROM " + t)[0]["n"])
                  for t in ("subsidiary", "customer", "vendor", "transaction", "transactionline")}
        self.assertEqual((3, 50, 25),
                         (counts["subsidiary"], counts["customer"], counts["vendor"]))
        self.assertGreaterEqual(counts["transaction"], 1000)
        self.assertGreater(counts["transactionline"], 2 * counts["transaction"])
        kinds = {r["type"]: int(r["n"]) for r in self.mock.rows(
            "SELECT type, COUNT(*) AS n FROM transaction GROUP BY type")}
        self.assertEqual({"CustInvc", "VendBill", "CustPymt", "VendPymt", "Journal", "PurchOrd",
                          "SalesOrd"}, set(kinds))
        shown = {r["s"] for r in self.mock.rows(
            "SELECT DISTINCT BUILTIN.DF(status) AS s FROM transaction WHERE type = 'CustInvc'")}
        self.assertEqual({"Invoice : Open", "Invoice : Paid In Full", "Invoice : Voided",
                          "Invoice : Pending Approval"}, shown)
        money = {r["c"] for r in self.mock.rows(
            "SELECT DISTINCT BUILTIN.DF(currency) AS c FROM transaction")}
        self.assertEqual({"EUR", "USD", "DKK", "GBP", "JPY"}, money)

    def test_overdue_is_relative_to_the_day(self):
        rows = self.mock.rows("SELECT TO_CHAR(duedate,'YYYY-MM-DD') AS d, foreignamountunpaid AS u,"
                              " daysoverduesearch AS o, TRUNC(SYSDATE) - duedate AS age "
                              "FROM transaction WHERE type = 'CustInvc' AND "
                              "foreignamountunpaid > 0 AND duedate < TRUNC(SYSDATE)")
        self.assertGreater(len(rows), 20)
        for row in rows:
            self.assertLess(row["d"], TODAY)
            self.assertGreater(dec(row["u"]), 0)
            self.assertEqual(row["o"], row["age"])

    def test_yen_have_no_decimals_and_the_others_two(self):
        rows = self.mock.rows("SELECT BUILTIN.DF(currency) AS c, foreigntotal AS t FROM transaction",
                              limit=1000)
        for row in rows:
            pattern = r"^-?\d+$" if row["c"] == "JPY" else r"^-?\d+\.\d\d$"
            self.assertRegex(row["t"], pattern)

    def test_documents_add_up(self):
        totals = {r["id"]: dec(r["foreigntotal"]) for o in (0, 1000) for r in self.mock.rows(
            "SELECT id, foreigntotal FROM transaction WHERE type <> 'Journal' ORDER BY id",
            limit=1000, offset=o)}
        lines = {}
        for offset in range(0, 6000, 1000):
            for row in self.mock.rows(
                    "SELECT l.transaction AS t, l.mainline AS m, l.foreignamount AS a FROM "
                    "transactionline l JOIN transaction x ON x.id = l.transaction WHERE x.type <> "
                    "'Journal' ORDER BY l.uniquekey", limit=1000, offset=offset):
                main, rest = lines.get(row["t"], (None, dec(0)))
                if row["m"] == "T":
                    main = dec(row["a"])
                else:
                    rest += dec(row["a"])
                lines[row["t"]] = (main, rest)
        self.assertEqual(set(totals), set(lines))
        for key, total in totals.items():
            self.assertEqual((total, -total), lines[key])

    def test_the_ledger_balances_per_transaction(self):
        rows = self.mock.rows("SELECT transaction AS t, SUM(NVL(debit,0)) - SUM(NVL(credit,0)) AS d,"
                              " SUM(amount) AS a FROM transactionaccountingline "
                              "GROUP BY transaction HAVING SUM(amount) <> 0")
        self.assertEqual([], rows)

    def test_paid_and_open_make_the_total(self):
        rows = self.mock.rows("SELECT id, type, foreigntotal AS t, foreignamountpaid AS p, "
                              "foreignamountunpaid AS u FROM transaction "
                              "WHERE type IN ('CustInvc','VendBill')", limit=1000)
        self.assertGreater(len(rows), 500)
        for row in rows:
            sign = -1 if row["type"] == "VendBill" else 1
            self.assertEqual(sign * dec(row["t"]), dec(row["p"]) + dec(row["u"]))
            self.assertGreaterEqual(dec(row["u"]), 0)

    def test_payments_are_linked_to_what_they_pay(self):
        rows = self.mock.rows("""SELECT p.id, p.foreigntotal AS t, l.foreignamount AS a,
              i.foreignamountpaid AS paid, BUILTIN.DF(l.previousdoc) AS doc
            FROM nexttransactionlinelink l JOIN transaction p ON p.id = l.nextdoc
            JOIN transaction i ON i.id = l.previousdoc
            WHERE l.linktype = 'Payment' AND l.nexttype = 'CustPymt'""")
        self.assertGreater(len(rows), 50)
        for row in rows:
            self.assertEqual(row["t"], row["a"])
            self.assertEqual(row["a"], row["paid"])
            self.assertRegex(row["doc"], r"^Invoice #INV-\d+$")

    def test_a_vendors_balance_is_its_open_bills(self):
        rows = self.mock.rows("""SELECT v.id, v.balance, NVL(SUM(t.foreignamountunpaid), 0) AS open
            FROM vendor v LEFT JOIN transaction t ON t.entity = v.id AND t.type = 'VendBill'
              AND t.posting = 'T' GROUP BY v.id, v.balance""")
        self.assertEqual(25, len(rows))
        for row in rows:
            self.assertEqual(dec(row["balance"]), dec(row["open"]))

    def test_display_values(self):
        row = self.mock.rows("""SELECT BUILTIN.DF(t.entity) AS entity, BUILTIN.DF(t.terms) AS terms,
              BUILTIN.DF(t.postingperiod) AS period, BUILTIN.DF(t.approvalstatus) AS approval,
              BUILTIN.DF(t.type) AS type, BUILTIN.CF(t.status) AS status,
              BUILTIN.DF(l.subsidiary) AS subsidiary, BUILTIN.DF(l.item) AS item,
              BUILTIN.DF(l.department) AS department, BUILTIN.DF(x.account) AS account,
              BUILTIN.DF(l.mainline) AS main, BUILTIN.DF(t.trandate) AS day, BUILTIN.DF(t.memo) AS m
            FROM transaction t JOIN transactionline l ON l.transaction = t.id
            JOIN transactionaccountingline x ON x.transaction = t.id AND x.transactionline = l.id
            WHERE t.type = 'CustInvc' AND l.mainline = 'F' AND t.memo IS NOT NULL
              AND t.status = 'B' ORDER BY t.id, l.id""", limit=1)[0]
        self.assertEqual("Invoice", row["type"])
        self.assertEqual("CustInvc:B", row["status"])
        self.assertEqual("Approved", row["approval"])
        self.assertEqual("No", row["main"])
        self.assertRegex(row["period"], r"^[A-Z][a-z]{2} 20\d\d$")
        self.assertRegex(row["day"], r"^\d+/\d+/20\d\d$")
        self.assertRegex(row["account"], r"^40\d0 ")
        for name in ("entity", "terms", "subsidiary", "item", "department", "m"):
            self.assertTrue(row[name])

    def test_every_column_of_every_table_can_be_read(self):
        for table in ("transaction", "transactionline", "transactionaccountingline",
                      "nexttransactionlinelink", "previoustransactionlinelink", "customer",
                      "vendor", "employee", "item", "account", "accountingperiod", "subsidiary",
                      "department", "classification", "location", "currency",
                      "consolidatedexchangerate", "budgets", "budgetsmachine", "term", "entity",
                      "deletedrecord", "transactionstatus", "dual"):
            with self.subTest(table):
                self.assertEqual(200, self.mock.query("SELECT * FROM " + table, limit=5).status)

    def test_the_queries_of_the_reference_run(self):
        for name, sql, params in REFERENCE_QUERIES:
            with self.subTest(name):
                answer = self.mock.query(sql, params)
                self.assertEqual(200, answer.status, answer.body[:400])
                self.assertGreater(answer.json["count"], 0)


REFERENCE_QUERIES = (
    ("transactions", """SELECT t.id, t.tranid, t.externalid, TO_CHAR(t.trandate,'YYYY-MM-DD') AS
        trandate, TO_CHAR(t.duedate,'YYYY-MM-DD') AS duedate, t.entity, BUILTIN.DF(t.entity) AS
        entityname, BUILTIN.DF(t.status) AS status, t.approvalstatus, BUILTIN.DF(t.currency) AS
        currency, t.foreigntotal, t.foreignamountunpaid, t.memo FROM transaction t
        WHERE t.type = ? AND t.trandate BETWEEN TO_DATE(?,'YYYY-MM-DD') AND
        TO_DATE(?,'YYYY-MM-DD') AND EXISTS (SELECT 1 FROM transactionline l WHERE l.transaction =
        t.id AND l.mainline = 'T' AND l.subsidiary = ?) ORDER BY t.id""",
     ["CustInvc", "2026-01-01", "2026-11-20", "1"]),
    ("customers", """SELECT id, entityid, companyname, email, phone, currency, terms, isinactive
        FROM customer WHERE UPPER(entityid) LIKE ? OR UPPER(companyname) LIKE ? ORDER BY id""",
     ["%SØREN%", "%SØREN%"]),
    ("vendors", """SELECT id, entityid, companyname, legalname, email, currency, terms, balance,
        isinactive FROM vendor WHERE UPPER(entityid) LIKE ? ORDER BY id""", ["%GMBH%"]),
    ("accounts", """SELECT id, acctnumber, fullname, accttype, parent, currency, issummary FROM
        account WHERE isinactive = 'F' ORDER BY acctnumber, id""", []),
    ("periods", """SELECT id, periodname, TO_CHAR(startdate,'YYYY-MM-DD') AS startdate,
        TO_CHAR(enddate,'YYYY-MM-DD') AS enddate, closed, aplocked, arlocked, alllocked FROM
        accountingperiod WHERE isyear = 'F' AND isquarter = 'F' ORDER BY startdate, id""", []),
    ("aging", """SELECT t.entity, BUILTIN.DF(t.entity) AS name, BUILTIN.DF(t.currency) AS currency,
        SUM(CASE WHEN TRUNC(SYSDATE) - t.duedate <= 0 THEN t.foreignamountunpaid ELSE 0 END) AS
        notdue, SUM(CASE WHEN TRUNC(SYSDATE) - t.duedate BETWEEN 1 AND 30 THEN
        t.foreignamountunpaid ELSE 0 END) AS d1_30, SUM(CASE WHEN TRUNC(SYSDATE) - t.duedate > 90
        THEN t.foreignamountunpaid ELSE 0 END) AS over90, SUM(t.foreignamountunpaid) AS total
        FROM transaction t WHERE t.type IN ('CustInvc') AND t.posting = 'T' AND t.voided = 'F' AND
        t.foreignamountunpaid <> 0 GROUP BY t.entity, BUILTIN.DF(t.entity),
        BUILTIN.DF(t.currency) ORDER BY t.entity""", []),
    ("trial balance", """SELECT a.id, a.acctnumber, a.fullname, a.accttype, SUM(NVL(x.debit,0)) AS
        debit, SUM(NVL(x.credit,0)) AS credit, SUM(NVL(x.amount,0)) AS net
        FROM transactionaccountingline x JOIN transaction t ON t.id = x.transaction
        JOIN transactionline l ON l.transaction = x.transaction AND l.id = x.transactionline
        JOIN account a ON a.id = x.account WHERE x.posting = 'T' AND x.accountingbook = ? AND
        l.subsidiary = ? AND t.trandate <= TO_DATE(?,'YYYY-MM-DD')
        GROUP BY a.id, a.acctnumber, a.fullname, a.accttype ORDER BY a.acctnumber, a.id""",
     [1, "1", "2026-11-20"]),
    ("budget", """SELECT b.account, b.subsidiary, b.department, b.category, m.period, SUM(m.amount)
        AS amount FROM budgets b JOIN budgetsmachine m ON m.budget = b.id WHERE b.year = ?
        GROUP BY b.account, b.subsidiary, b.department, b.category, m.period""", [35]),
    ("pending", """SELECT id, tranid, type, trandate, foreigntotal, BUILTIN.DF(entity) AS entity,
        nextapprover FROM transaction WHERE approvalstatus = 1 AND type IN
        ('VendBill','PurchOrd','Journal','ExpRept') ORDER BY id""", []),
    ("duplicates", """SELECT entity, tranid, COUNT(*) AS n, SUM(foreigntotal) AS total FROM
        transaction WHERE type='VendBill' GROUP BY entity, tranid HAVING COUNT(*) >= 1""", []),
    ("changes", """SELECT id, type, lastmodifieddate FROM transaction WHERE lastmodifieddate >=
        TO_DATE(?,'YYYY-MM-DD HH24:MI:SS') ORDER BY lastmodifieddate, id""",
     ["2026-11-01 08:00:00"]),
    ("employees", """SELECT id, entityid, firstname, lastname, email, department, subsidiary,
        supervisor FROM employee WHERE isinactive='F'""", []),
    ("items", """SELECT id, itemid, displayname, itemtype, cost, averagecost, totalquantityonhand
        FROM item WHERE isinactive='F'""", []),
    ("rates", "SELECT * FROM consolidatedexchangerate WHERE postingperiod = ?", [37]),
    ("health", "SELECT 1 AS ok FROM dual", []),
)


class Records(Case):
    def get(self, path):
        return self.mock.call("GET", RECORD + path)

    def an_invoice(self, where="foreignamountunpaid > 0 AND status = 'A'"):
        return self.mock.rows("SELECT id FROM transaction WHERE type = 'CustInvc' AND " + where +
                              " ORDER BY id", limit=1)[0]["id"]

    def test_an_invoice_with_its_lines(self):
        number = self.an_invoice("memo IS NOT NULL AND status = 'A'")
        answer = self.get("/invoice/%s?expandSubResources=true" % number)
        self.assertEqual(200, answer.status)
        self.assertEqual("application/vnd.oracle.resource+json; type=singular; charset=UTF-8",
                         answer.headers["content-type"])
        record = json.loads(answer.body, parse_float=str, parse_int=str)
        self.assertEqual(["links"] + sorted(k for k in record if k != "links"), list(record))
        self.assertEqual(number, record["id"])
        self.assertTrue(answer.body.index(b'"id":"%s"' % number.encode()) > 0)  # text
        self.assertRegex(record["tranDate"], r"^\d{4}-\d\d-\d\d$")
        self.assertRegex(record["createdDate"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        row = self.mock.rows("SELECT foreigntotal, foreignamountunpaid, entity, BUILTIN.DF(entity) "
                             "AS name FROM transaction WHERE id = ?", number)[0]
        self.assertEqual(row["foreigntotal"], record["total"])  # the same digits
        self.assertEqual(row["foreignamountunpaid"], record["amountRemaining"])
        self.assertEqual({"links": [{"rel": "self", "href": "%s%s/customer/%s" % (
            self.mock.said["url"], RECORD, row["entity"])}], "id": row["entity"],
                          "refName": row["name"]}, record["entity"])
        self.assertEqual({"links": [], "id": "Open", "refName": "Open"}, record["status"])
        items = record["item"]["items"]
        self.assertEqual(str(len(items)), record["item"]["totalResults"])
        self.assertEqual(dec(record["total"]), sum(dec(i["amount"]) for i in items))
        self.assertEqual("1", items[0]["line"])

    def test_without_expansion_a_sublist_is_a_link(self):
        number = self.an_invoice()
        record = self.get("/invoice/" + number).json
        self.assertEqual({"links": [{"rel": "self", "href": "%s%s/invoice/%s/item" % (
            self.mock.said["url"], RECORD, number)}]}, record["item"])
        lines = self.get("/invoice/%s/item" % number)
        self.assertEqual(200, lines.status)
        self.assertGreater(lines.json["totalResults"], 0)

    def test_fields_and_simple_enums(self):
        number = self.an_invoice()
        record = self.get("/invoice/%s?fields=tranId,status&simpleEnumFormat=true" % number).json
        self.assertEqual({"links", "id", "tranId", "status"}, set(record))
        self.assertEqual("Open", record["status"])

    def test_empty_members_are_left_out_and_booleans_are_real(self):
        person = self.get("/customer/146").json
        self.assertNotIn("companyName", person)
        self.assertIs(True, person["isPerson"])
        self.assertEqual("Åse Lindqvist", person["entityId"])

    def test_external_ids(self):
        self.assertEqual("101", self.get("/customer/eid:crm-5000").json["id"])
        self.assertEqual(404, self.get("/customer/eid:none").status)
        self.assertEqual(400, self.get("/invoice/eid:none").status)

    def test_every_record_type_can_be_listed_and_read(self):
        for name in ("invoice", "vendorBill", "customerPayment", "vendorPayment", "journalEntry",
                     "purchaseOrder", "salesOrder", "customer", "vendor", "employee", "account",
                     "subsidiary", "currency", "accountingPeriod", "department", "classification",
                     "location", "term", "inventoryItem", "serviceSaleItem",
                     "nonInventorySaleItem", "assemblyItem", "otherChargeSaleItem"):
            with self.subTest(name):
                page = self.get("/%s?limit=1" % name).json
                self.assertEqual(1, page["count"])
                self.assertEqual({"links", "id"}, set(page["items"][0]))
                one = self.get("/%s/%s?expandSubResources=true" % (name, page["items"][0]["id"]))
                self.assertEqual(200, one.status)

    def test_an_empty_expanded_sublist_is_spelt_out(self):
        number = self.mock.rows("""SELECT t.id FROM transaction t WHERE t.type = 'VendBill' AND NOT
            EXISTS (SELECT 1 FROM transactionline l WHERE l.transaction = t.id AND
            l.item IS NOT NULL) ORDER BY t.id""", limit=1)[0]["id"]
        bill = self.get("/vendorBill/%s?expandSubResources=true" % number).json
        self.assertEqual({"links", "items", "totalResults", "count", "hasMore", "offset"},
                         set(bill["item"]))
        self.assertEqual([], bill["item"]["items"])
        self.assertGreater(bill["expense"]["totalResults"], 0)

    def test_a_journal_balances(self):
        number = self.get("/journalEntry?limit=1").json["items"][0]["id"]
        record = json.loads(self.get("/journalEntry/%s?expandSubResources=true" % number).body,
                            parse_float=decimal.Decimal)
        lines = record["line"]["items"]
        self.assertEqual(sum(dec(l.get("debit", 0)) for l in lines),
                         sum(dec(l.get("credit", 0)) for l in lines))

    def test_unknown_ids_answer_by_kind(self):
        for path, status, code in (("/invoice/999999", 400, "USER_ERROR"),
                                   ("/vendorBill/101", 400, "USER_ERROR"),
                                   ("/invoice/x'y", 400, "USER_ERROR"),
                                   ("/customer/999999", 404, "NONEXISTENT_ID"),
                                   ("/account/0", 404, "NONEXISTENT_ID")):
            with self.subTest(path):
                answer = self.get(path)
                self.assertEqual((status, code), (answer.status, answer.code))
                self.assertEqual("close", answer.headers["connection"])
        self.assertEqual("Error while accessing a resource. Transaction type specified is "
                         "incorrect.", self.get("/invoice/999999").detail)
        answer = self.get("/file/1")
        self.assertEqual(404, answer.status)
        self.assertEqual({"detail": "Record type 'file' does not exist.",
                          "o:errorUrl": RECORD + "/file/1", "o:errorCode": "NONEXISTENT_ID"},
                         answer.json["o:errorDetails"][0])



class Writing(Case):
    HEADERS = {"Content-Type": "application/json"}

    def setUp(self):
        self.mock.control("POST", "/reset")
        self.party = self.mock.rows("SELECT id FROM customer WHERE isinactive = 'F' AND currency "
                                    "= 1 ORDER BY id", limit=1)[0]["id"]
        self.invoice = {"entity": {"id": self.party},
                        "item": {"items": [{"item": {"id": "1"}, "quantity": 2, "rate": 10.05}]}}

    def write(self, method, path, body, **headers):
        h = dict(self.HEADERS, **{k.replace("_", "-"): v for k, v in headers.items()})
        return self.mock.call(method, RECORD + path,
                              body if isinstance(body, str) else json.dumps(body), h)

    def saved(self, answer):
        """What the Location names."""
        self.assertEqual((204, b""), (answer.status, answer.body))
        path = urllib.parse.urlsplit(answer.headers["location"]).path
        one = self.mock.call("GET", path + "?expandSubResources=true")
        self.assertEqual(200, one.status)
        return json.loads(one.body, parse_float=decimal.Decimal)

    def count(self, kind="CustInvc"):
        return int(self.mock.rows("SELECT COUNT(*) AS n FROM transaction WHERE type = ?",
                                  kind)[0]["n"])

    def refused(self, answer, words, code="USER_ERROR", status=400):
        self.assertEqual((status, code), (answer.status, answer.code), answer.body)
        self.assertIn(words, answer.detail)

    def test_a_post_makes_a_record_and_says_where(self):
        before = self.count()
        body = dict(self.invoice, externalId="a-1", memo="Ø", tranDate="2026-11-03",
                    otherRefNum="PO")
        one = self.saved(self.write("POST", "/invoice", body))
        self.assertEqual(("a-1", "Ø", "2026-11-03", "PO", self.party), (
            one["externalId"], one["memo"], one["tranDate"], one["otherRefNum"],
            one["entity"]["id"]))
        self.assertEqual(dec("20.10"), one["total"])
        self.assertEqual(dec("20.10"), one["amountRemaining"])
        self.assertEqual(dec("20.10"), one["item"]["items"][0]["amount"])
        self.assertEqual(before + 1, self.count())
        self.assertEqual(1, self.mock.stats()["writes"])
        number = self.mock.rows("SELECT COUNT(*) AS n FROM transaction WHERE tranid = ?",
                                one["tranId"])
        self.assertEqual("1", number[0]["n"])

    def test_the_ledger_balances_after_a_write(self):
        one = self.saved(self.write("POST", "/invoice", self.invoice))
        sums = self.mock.rows("SELECT SUM(NVL(debit, 0)) AS d, SUM(NVL(credit, 0)) AS c FROM "
                              "transactionaccountingline WHERE transaction = ?", one["id"])[0]
        self.assertEqual(dec(sums["d"]), dec(sums["c"]))

    def test_digits_are_kept(self):
        line = '{"item":{"id":"1"},"amount":%s}'
        for amount in ("12345678901234.56", "0.01", "9007199254740993.00"):
            body = '{"entity":{"id":"%s"},"item":{"items":[%s]}}' % (self.party, line % amount)
            one = self.saved(self.write("POST", "/invoice", body))
            self.assertEqual(amount, str(one["item"]["items"][0]["amount"]))
            self.assertEqual(amount, str(one["total"]))

    def test_an_external_id_is_taken_once(self):
        body = dict(self.invoice, externalId="a-1")
        self.saved(self.write("POST", "/invoice", body))
        before = self.count()
        self.refused(self.write("POST", "/invoice", body), "This entity already exists.")
        self.assertEqual(before, self.count())

    def test_a_put_makes_or_changes_the_one_of_that_external_id(self):
        before = self.count()
        first = self.saved(self.write("PUT", "/invoice/eid:x-1", self.invoice))
        self.assertEqual("x-1", first["externalId"])
        line = {"item": {"id": "2"}, "amount": 5}
        changed = {"memo": "again", "item": {"items": [line]}}
        more = self.saved(self.write("PUT", "/invoice/eid:x-1", changed))
        self.assertEqual((first["id"], first["tranId"], "again", 2), (
            more["id"], more["tranId"], more["memo"], len(more["item"]["items"])))
        self.assertEqual(dec("25.10"), more["total"])
        less = self.saved(self.write("PUT", "/invoice/eid:x-1?replace=item", changed))
        self.assertEqual((1, dec("5.00")), (len(less["item"]["items"]), less["total"]))
        self.assertEqual(before + 1, self.count())

    def test_unknown_members_follow_the_header(self):
        wrong = dict(self.invoice, mmeo="x", item={"items": [
            {"item": {"id": "1"}, "prize": 3}]})
        before = self.count()
        answer = self.write("POST", "/invoice", wrong,
                            X_NetSuite_PropertyNameValidation="Error")
        self.refused(answer, "prize", "INVALID_CONTENT")
        self.assertEqual("item.items[0].prize",
                         answer.json["o:errorDetails"][0]["o:errorPath"])
        self.assertEqual(before, self.count())
        answer = self.write("POST", "/invoice", wrong)
        self.assertEqual(204, answer.status)
        self.assertIn("item.items[0].prize, mmeo", answer.headers["warning"])
        answer = self.write("POST", "/invoice", wrong, X_NetSuite_PropertyNameValidation="Ignore")
        self.assertEqual(204, answer.status)
        self.assertNotIn("warning", answer.headers)

    def test_references_that_lead_nowhere_are_refused_with_their_path(self):
        for body, path in (
                (dict(self.invoice, entity={"id": "999999"}), "entity"),
                (dict(self.invoice, currency={"id": "77"}), "currency"),
                (dict(self.invoice, tranDate="3.11.2026"), "tranDate"),
                (dict(self.invoice, item={"items": [{"item": {"id": "9999"}}]}),
                 "item.items[0].item"),
                (dict(self.invoice, item={"items": [{"item": {"id": "1"}, "rate": "x"}]}),
                 "item.items[0].rate")):
            answer = self.write("POST", "/invoice", body)
            self.refused(answer, "Invalid Field Value", "INVALID_CONTENT")
            self.assertEqual(path, answer.json["o:errorDetails"][0]["o:errorPath"])

    def test_rules_of_a_document(self):
        for body, words in (
                ({"item": self.invoice["item"]}, "Customer"),
                ({"entity": {"id": self.party}}, "line item"),
                (dict(self.invoice, item={"items": [{}]}), "choose an item"),
                (dict(self.invoice, tranDate="2025-02-03"), "closed or locked"),
                (dict(self.invoice, tranDate="2001-02-03"), "accounting periods")):
            self.refused(self.write("POST", "/invoice", body), words)

    def journal(self, debit, credit, **more):
        return dict({"subsidiary": {"id": "1"}, "line": {"items": [
            {"account": {"id": "16"}, "debit": debit, "memo": "m"},
            {"account": {"id": "8"}, "credit": credit, "entity": {"id": "201"}}]}}, **more)

    def test_a_journal_has_to_balance(self):
        before = self.count("Journal")
        one = self.saved(self.write("POST", "/journalEntry", self.journal(70.1, 70.1)))
        lines = one["line"]["items"]
        self.assertEqual([dec("70.10"), None], [line.get("debit") for line in lines])
        self.assertEqual([None, dec("70.10")], [line.get("credit") for line in lines])
        self.assertEqual(("m", "201"), (lines[0]["memo"], lines[1]["entity"]["id"]))
        self.refused(self.write("POST", "/journalEntry", self.journal(70.1, 70.11)),
                     "do not balance")
        self.refused(self.write("POST", "/journalEntry", {"subsidiary": {"id": "1"}}),
                     "at least two lines")
        self.refused(self.write("POST", "/journalEntry",
                                self.journal(1, 1, tranDate="2025-02-03")), "closed or locked")
        self.assertEqual(before + 1, self.count("Journal"))

    def test_bodies_that_are_no_record_are_refused(self):
        for body in ("", "[]", "{", '"x"', '{"a":1,"a":2}'):
            self.refused(self.write("POST", "/invoice", body), "JSON object", "INVALID_REQUEST")
        answer = self.write("POST", "/invoice", self.invoice, Content_Type="text/plain")
        self.assertEqual(415, answer.status)

    def test_other_verbs_and_records_are_not_served(self):
        for method, path in (("POST", "/customer"), ("PUT", "/invoice/1009"),
                             ("PUT", "/invoice/eid:"), ("POST", "/invoice/1009"),
                             ("DELETE", "/invoice/1009"), ("PATCH", "/invoice/1009")):
            self.assertEqual(405, self.write(method, path, {}).status, (method, path))
        self.assertEqual(0, self.mock.stats()["writes"])

    def test_reset_takes_written_records_away(self):
        before = self.count()
        self.saved(self.write("POST", "/invoice", self.invoice))
        self.mock.control("POST", "/reset")
        self.assertEqual(before, self.count())


class Concurrency(Case):
    def test_the_limit_is_the_accounts_over_rest_and_restlet(self):
        self.mock.control("PUT", "/limits", {"concurrency": 2})
        self.mock.control("PUT", "/latency", {"ms": 60000})
        held = [self.mock.connect() for _ in range(2)]
        self.mock.send(held[0], "GET", RECORD + "/currency/1")
        self.mock.send(held[1], "GET", RESTLET + "?script=1&deploy=1")
        self.wait_for("both are in", 2)

        rest = self.mock.query(COUNT)
        restlet = self.mock.call("GET", RESTLET + "?script=1&deploy=1")
        stats = self.mock.stats()

        self.assertEqual((429, "CONCURRENCY_LIMIT_EXCEEDED"), (rest.status, rest.code))
        self.assertEqual("Concurrent request limit exceeded. Request blocked.", rest.detail)
        self.assertNotIn("retry-after", rest.headers)
        self.assertEqual(400, restlet.status)
        self.assertEqual({"error": {"code": "SSS_REQUEST_LIMIT_EXCEEDED",
                                    "message": "Request Limit Exceeded!"}}, restlet.json)
        self.assertEqual((4, 2, 2, 2), (stats["requests"], stats["in_flight"],
                                        stats["in_flight_peak"], stats["refused_concurrency"]))
        for connection in held:
            connection.close()
        self.restart()

    def restart(self):
        """Work of a minute is in flight: it ends with its mock."""
        self.assertEqual((0, ""), self.mock.stop())
        type(self).mock = Mock()

    def test_work_stays_in_flight_after_its_client_has_left(self):
        self.mock.control("PUT", "/latency", {"ms": 60000})
        for _ in range(3):
            connection = self.mock.connect()
            self.mock.send(connection, "GET", RECORD + "/currency/1")
            connection.close()
        stats = self.wait_for("all three are in", 3)
        again = self.mock.stats()
        self.assertEqual((3, 3), (stats["in_flight_peak"], again["in_flight"]))
        self.assertGreaterEqual(again["busy_ms"], stats["busy_ms"])
        self.restart()

    def test_busy_time_is_the_integral_of_what_is_in_flight(self):
        self.mock.control("PUT", "/latency", {"ms": 100})
        answers = self.parallel(10, lambda i: self.mock.call("GET", RECORD + "/currency/1").status)
        stats = self.wait_for("all are done", 0)
        self.assertEqual([200] * 10, answers)
        self.assertLessEqual(stats["in_flight_peak"], 10)
        # Timers may be a millisecond early or, on a loaded machine, late; never much early.
        self.assertGreaterEqual(stats["busy_ms"], 10 * 98)

    def test_a_client_that_fills_the_limit_exactly_is_never_refused(self):
        self.mock.control("PUT", "/limits", {"concurrency": 4})
        self.mock.control("PUT", "/latency", {"ms": 1, "jitter_ms": 1})

        def worker(_):
            connection, bad = self.mock.connect(), 0
            for _ in range(100):
                self.mock.send(connection, "GET", RECORD + "/currency/1")
                bad += Answer(connection.getresponse()).status != 200
            connection.close()
            return bad

        self.assertEqual([0] * 4, self.parallel(4, worker))
        stats = self.mock.stats()
        self.assertEqual((0, 400), (stats["refused_concurrency"], stats["requests"]))
        self.assertLessEqual(stats["in_flight_peak"], 4)

    def test_accounts_have_counters_and_limits_of_their_own(self):
        other = Credentials("LANE_TWO", "ck", "cs", "lane-two-token", "ts")
        status, _ = self.mock.control("POST", "/accounts", {**vars(other), "concurrency": 1})
        self.assertEqual(200, status)
        self.mock.control("PUT", "/limits", {"concurrency": 1, "account_id": "LANE_TWO"})
        self.mock.control("PUT", "/latency", {"ms": 60000})
        connections = [self.mock.connect() for _ in range(2)]
        self.mock.send(connections[0], "GET", RECORD + "/currency/1")
        self.mock.send(connections[1], "GET", RECORD + "/currency/1", who=other)
        self.wait_for("one each", 2)
        self.assertEqual(429, self.mock.query(COUNT, who=other).status)
        accounts = self.mock.stats()["accounts"]
        self.assertEqual((1, 1, 1), (accounts["LANE_TWO"]["in_flight"],
                                     accounts["LANE_TWO"]["refused_concurrency"],
                                     accounts["TSTDRV1234567"]["in_flight"]))
        self.assertEqual(404, self.mock.control(
            "PUT", "/limits", {"concurrency": 1, "account_id": "NOBODY"})[0])
        for connection in connections:
            connection.close()
        self.restart()

    def test_reset_keeps_limits_latency_faults_and_what_is_in_flight(self):
        self.mock.control("PUT", "/limits", {"concurrency": 1})
        self.mock.fault("status", status=500, times=5, path_regex="subsidiary")
        self.mock.control("PUT", "/latency", {"ms": 60000})
        connection = self.mock.connect()
        self.mock.send(connection, "GET", RECORD + "/currency/1")
        self.wait_for("it is in", 1)
        self.mock.control("POST", "/reset")
        stats = self.mock.stats()
        self.assertEqual((0, 1, 1, 0), (stats["requests"], stats["in_flight"],
                                        stats["in_flight_peak"], stats["refused_concurrency"]))
        self.assertEqual(429, self.mock.query(COUNT).status)  # the limit is still 1
        connection.close()
        self.restart()

    def test_many_connections_at_once(self):
        self.mock.control("PUT", "/limits", {"concurrency": 1000})
        self.mock.control("PUT", "/latency", {"ms": 50})
        answers = self.parallel(300, lambda i: self.mock.query(COUNT).status)
        self.assertEqual([200] * 300, answers)


class Faults(Case):
    def test_a_status_with_the_erps_own_body(self):
        self.mock.fault("status", status=500)
        answer = self.mock.query(COUNT)
        self.assertEqual((500, "UNEXPECTED_ERROR"), (answer.status, answer.code))
        self.assertRegex(answer.detail, r"^An unexpected error occurred\. Error ID: [0-9a-f]+$")
        self.assertEqual(200, self.mock.query(COUNT).status)
        stats = self.mock.stats()
        self.assertEqual((2, 1), (stats["requests"], stats["in_flight_peak"]))

    def test_a_body_is_sent_byte_for_byte_under_its_headers(self):
        body = '{"items":[{"id":"1","foreigntotal":"12345678901234567.89","x":100.10}],"u":"æ🚀"}'
        self.mock.fault("status", status=200, body=body, headers={
            "Content-Type": "application/vnd.oracle.resource+json; type=collection",
            "X-Extra": "yes"})
        answer = self.mock.query(COUNT)
        self.assertEqual((200, body.encode()), (answer.status, answer.body))
        self.assertEqual("application/vnd.oracle.resource+json; type=collection",
                         answer.headers["content-type"])
        self.assertEqual("yes", answer.headers["x-extra"])

    def test_faults_match_by_method_and_path_and_last_n_times(self):
        status, _ = self.mock.control("POST", "/faults", {
            "match": {"method": "POST", "path_regex": "suiteql$"}, "times": 2, "kind": "status",
            "status": 503})
        self.assertEqual(200, status)
        self.assertEqual(200, self.mock.call("GET", RECORD + "/currency/1").status)
        self.assertEqual([503, 503, 200],
                         [self.mock.query(COUNT, limit=5).status for _ in range(3)])

    def test_deleting_the_faults_ends_them(self):
        self.mock.fault("status", status=503, times=100)
        self.assertEqual(503, self.mock.query(COUNT).status)
        self.mock.control("DELETE", "/faults")
        self.assertEqual(200, self.mock.query(COUNT).status)

    def test_reset_and_drop_end_the_connection_without_an_answer(self):
        self.mock.fault("reset")
        with self.assertRaises(ConnectionResetError):
            self.mock.query(COUNT)
        self.mock.fault("after_commit_drop")
        with self.assertRaises(http.client.RemoteDisconnected):
            self.mock.query(COUNT)
        self.assertEqual(0, self.mock.stats()["in_flight"])

    def test_a_truncated_answer_promises_more_than_it_sends(self):
        whole = len(self.mock.query("SELECT id FROM customer").body)
        self.mock.fault("truncate")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.mock.query("SELECT id FROM customer")
        self.assertEqual(whole // 2, len(caught.exception.partial))

    def test_html_in_place_of_json(self):
        self.mock.fault("html")
        answer = self.mock.query(COUNT)
        self.assertEqual((503, "text/html; charset=utf-8"),
                         (answer.status, answer.headers["content-type"]))
        self.assertTrue(answer.body.startswith(b"<!DOCTYPE html>"))
        self.mock.fault("html", status=200)
        self.assertEqual(200, self.mock.query(COUNT).status)

    def test_malformed_json_comes_with_status_200(self):
        self.mock.fault("malformed")
        answer = self.mock.query(COUNT)
        self.assertEqual(200, answer.status)
        with self.assertRaises(ValueError):
            answer.json

    def test_a_slow_answer_arrives_whole_and_is_in_flight_until_its_last_piece(self):
        plain = self.mock.query("SELECT id FROM customer ORDER BY id").body
        self.mock.fault("slow_drip", delay_ms=300)
        start = time.monotonic()
        answer = self.mock.query("SELECT id FROM customer ORDER BY id")
        self.assertGreaterEqual(time.monotonic() - start, 0.25)
        self.assertEqual(plain, answer.body)
        self.assertEqual(0, self.mock.stats()["in_flight"])
        self.assertGreaterEqual(self.mock.stats()["busy_ms"], 250)

    def test_expired_tokens_reject_right_logins(self):
        self.mock.fault("expire_tokens", times=7)
        answers = [self.mock.query(COUNT) for _ in range(8)]
        self.assertEqual([401] * 7 + [200], [a.status for a in answers])  # and no lock-out
        self.assertEqual("INVALID_LOGIN", answers[0].code)
        self.assertEqual(7, self.mock.stats()["refused_auth"])

    def test_a_delay_comes_before_the_answer(self):
        self.mock.fault("status", status=500, delay_ms=200)
        start = time.monotonic()
        self.assertEqual(500, self.mock.query(COUNT).status)
        self.assertGreaterEqual(time.monotonic() - start, 0.19)
        self.assertGreaterEqual(self.mock.stats()["busy_ms"], 190)

    def test_orders_that_make_no_sense_are_refused(self):
        for order in ({}, {"kind": "explode"}, {"kind": "status", "times": 0},
                      {"kind": "status", "times": "2"}, {"kind": "status", "status": 99},
                      {"kind": "status", "body": {}}, {"kind": "status", "headers": []},
                      {"kind": "status", "headers": {"x": "a\r\nb: c"}},
                      {"kind": "status", "match": {"path_regex": "("}},
                      {"kind": "status", "delay_ms": -1}):
            with self.subTest(str(order)):
                status, said = self.mock.control("POST", "/faults", order)
                self.assertEqual(400, status)
                self.assertTrue(said["error"])


class Control(Case):
    def test_what_was_received_can_be_read_back(self):
        self.mock.query("SELECT id FROM customer WHERE companyname = ?", ["O'Brien & Sons \"Ltd\""],
                        limit=1)
        self.mock.call("GET", RECORD + "/customer/999999?x=%C3%A6")
        _, said = self.mock.control("GET", "/last?n=10")
        first, second = said["requests"]
        self.assertEqual(("POST", SUITEQL + "?limit=1", 200),
                         (first["method"], first["target"], first["status"]))
        self.assertEqual(["O'Brien & Sons \"Ltd\""], json.loads(first["body"])["params"])
        self.assertEqual({"method": "GET", "target": RECORD + "/customer/999999?x=%C3%A6",
                          "body": "", "status": 404}, second)
        self.assertEqual([second], self.mock.control("GET", "/last?n=1")[1]["requests"])
        self.mock.control("POST", "/reset")
        self.assertEqual([], self.mock.control("GET", "/last")[1]["requests"])

    def test_only_the_last_two_thousand_are_kept(self):
        connection = self.mock.connect()
        for i in range(2005):
            connection.request("GET", "/n/%d" % i)
            Answer(connection.getresponse())
            connection.close()
        kept = self.mock.control("GET", "/last?n=5000")[1]["requests"]
        self.assertEqual(("/n/5", "/n/2004", 2000), (kept[0]["target"], kept[-1]["target"],
                                                     len(kept)))

    def test_stats_have_the_members_of_the_contract(self):
        stats = self.mock.stats()
        for name in ("requests", "in_flight", "in_flight_peak", "busy_ms", "refused_concurrency",
                     "refused_auth", "token_requests", "writes"):
            self.assertEqual(0, stats[name], name)
        self.mock.query(COUNT)
        self.assertEqual({SUITEQL: 1}, self.mock.stats()["requests_by_path"])

    def test_calls_that_make_no_sense_are_refused(self):
        for method, path, body, status in (
                ("GET", "/nothing", None, 404), ("POST", "/stats", None, 404),
                ("PUT", "/limits", {}, 400), ("PUT", "/limits", {"concurrency": "5"}, 400),
                ("PUT", "/limits", {"concurrency": -1}, 400), ("PUT", "/latency", {"ms": -1}, 400),
                ("PUT", "/latency", {"ms": 1.5}, 400), ("PUT", "/clock", {}, 400),
                ("POST", "/accounts", {"account_id": "lower"}, 400), ("POST", "/faults", [], 400)):
            with self.subTest("%s %s %s" % (method, path, body)):
                answered, said = self.mock.control(method, path, body)
                self.assertEqual(status, answered)
                self.assertTrue(said["error"])


class Wire(Case):
    def raw(self, data, host=None):
        """Sends bytes, closes the sending side once an answer ended, returns all that came."""
        name, port = (host or self.mock.host).split(":")
        with socket.create_connection((name, int(port)), timeout=30) as s:
            s.sendall(data)
            s.settimeout(30)
            got = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return got
                got += piece

    def request(self, method="GET", target=RECORD + "/currency/1", extra="", body=b""):
        header = authorization(self.mock.who, method, self.mock.host, target)
        head = "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n%s\r\n" % (
            method, target, self.mock.host, header, extra)
        return head.encode() + body

    def test_keep_alive_serves_many_requests_on_one_connection(self):
        connection = self.mock.connect()
        for _ in range(20):
            self.mock.send(connection, "GET", RECORD + "/currency/1")
            answer = Answer(connection.getresponse())
            self.assertEqual((200, "keep-alive"), (answer.status, answer.headers["connection"]))
        connection.close()

    def test_pipelined_requests_are_answered_in_order(self):
        data = b"".join(self.request(target=RECORD + "/currency/%d" % i) for i in (1, 2, 3))
        data += self.request(target=RECORD + "/currency/4", extra="Connection: close\r\n")
        got = self.raw(data)
        self.assertEqual(4, got.count(b"HTTP/1.1 200 OK"))
        places = [got.index(b'"symbol":"%s"' % s) for s in (b"EUR", b"USD", b"DKK", b"GBP")]
        self.assertEqual(sorted(places), places)

    def test_a_chunked_body_and_expect_are_understood(self):
        body = json.dumps({"q": COUNT}).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:5], body[5:])) + b"0\r\n\r\n"
        got = self.raw(self.request("POST", SUITEQL, "Content-Type: application/json\r\n"
                                    "Prefer: transient\r\nTransfer-Encoding: chunked\r\n"
                                    "Expect: 100-continue\r\nConnection: close\r\n", chunks))
        self.assertTrue(got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), got[:80])

    def test_bytes_that_are_no_http_are_400_and_closed(self):
        for data in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
                     b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n"):
            with self.subTest(data[:30]):
                self.assertTrue(self.raw(data).startswith(b"HTTP/1.1 400 "))

    def test_a_body_over_four_mebibytes_is_413(self):
        head = ("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" % SUITEQL).encode()
        name, port = self.mock.host.split(":")
        with socket.create_connection((name, int(port)), timeout=30) as s:
            s.sendall(head + b"x" * 5000000)
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 413 "))
        self.assertEqual(0, self.mock.stats()["requests"])

    def test_half_a_request_is_no_request(self):
        name, port = self.mock.host.split(":")
        with socket.create_connection((name, int(port)), timeout=30) as s:
            s.sendall(self.request()[:-10])
        self.assertEqual(200, self.mock.query(COUNT).status)
        self.assertEqual(1, self.mock.stats()["requests"])


class Program(unittest.TestCase):
    def run_mock(self, *args, env=None):
        return subprocess.run([os.path.join(BIN, "mock-netsuite"), *args], capture_output=True,
                              text=True, timeout=60, env={**os.environ, **(env or {})})

    def test_help_names_the_options(self):
        done = self.run_mock("--help")
        self.assertEqual(0, done.returncode)
        for option in ("--host", "--port", "--control-port", "--seed", "--concurrency",
                       "--account-id", "--consumer-key", "--lockout-seconds", "--today"):
            self.assertIn(option, done.stdout)

    def test_bad_options_end_with_2_and_a_sentence(self):
        for args in (("--port", "x"), ("--port", "70000"), ("--seed", "-1"), ("--nope",),
                     ("--today", "20.11.2026"), ("--today", "2026-13-01"), ("--consumer-key", ""),
                     ("extra",)):
            with self.subTest(str(args)):
                done = self.run_mock(*args)
                self.assertEqual((2, ""), (done.returncode, done.stdout))
                self.assertTrue(done.stderr)

    def test_a_port_in_use_ends_with_1(self):
        mock = Mock()
        try:
            port = mock.host.split(":")[1]
            done = self.run_mock("--port", port)
            self.assertEqual(1, done.returncode)
            self.assertIn("cannot listen", done.stderr)
        finally:
            self.assertEqual((0, ""), mock.stop())

    def test_credentials_come_from_options_then_environment_then_chance(self):
        os.environ["MOCK_NETSUITE_TOKEN_ID"] = "from-environment"
        try:
            mock = Mock("--consumer-key", "from-option", "--account-id", "ACME_SB1")
        finally:
            del os.environ["MOCK_NETSUITE_TOKEN_ID"]
        try:
            self.assertEqual(("from-option", "from-environment", "ACME_SB1"),
                             (mock.said["consumer_key"], mock.said["token_id"],
                              mock.said["account_id"]))
            self.assertRegex(mock.said["token_secret"], r"^[0-9a-f]{64}$")
            self.assertEqual(mock.process.pid, mock.said["pid"])
            self.assertEqual(200, mock.query(COUNT).status)
        finally:
            self.assertEqual((0, ""), mock.stop())

    def test_sigterm_in_the_middle_of_work_ends_cleanly(self):
        mock = Mock()
        mock.control("PUT", "/latency", {"ms": 60000})
        connections = [mock.connect() for _ in range(5)]
        for connection in connections:
            mock.send(connection, "GET", RECORD + "/currency/1")
        while mock.stats()["in_flight"] < 5:
            time.sleep(0.005)
        self.assertEqual((0, ""), mock.stop())
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    if not os.access(os.path.join(BIN, "mock-netsuite"), os.X_OK):
        sys.exit("no mock-netsuite in %s: build it, or set SLUICE_BIN" % BIN)
    unittest.main()
