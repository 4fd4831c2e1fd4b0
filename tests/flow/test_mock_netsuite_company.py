# SPDX-License-Identifier: Apache-2.0
"""The company that mock-netsuite makes up: the same each time, and its books balance."""
from mock_netsuite import TODAY, Case, Mock, dec, main


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


if __name__ == "__main__":
    main()
