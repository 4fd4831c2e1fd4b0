# SPDX-License-Identifier: Apache-2.0
"""mock-netsuite's SuiteQL: what a request has to be, and what its dialect takes and refuses."""
import decimal
from random import Random

from mock_netsuite import COUNT, SUITEQL, TODAY, Case, dec, main


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


if __name__ == "__main__":
    main()
