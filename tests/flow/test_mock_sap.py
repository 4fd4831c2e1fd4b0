# SPDX-License-Identifier: Apache-2.0
"""The SAP mock on the wire: logon, OData V2, CSRF, deep insert, limits. A client of its own."""
import base64
import http.client
import json
import os
import subprocess
import threading
import time
import unittest
import urllib.parse

BIN = os.environ.get("SLUICE_BIN") or os.path.join("build", "bin")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ODATA = "/sap/opu/odata/sap/"
ORDERS = ODATA + "API_PURCHASEORDER_PROCESS_SRV/"
PARTNERS = ODATA + "API_BUSINESS_PARTNER/"
INVOICES = ODATA + "API_SUPPLIERINVOICE_PROCESS_SRV/"
ORDER = {"Supplier": "17300001", "PurchasingOrganization": "1010",
         "to_PurchaseOrderItem": {"results": [{"Material": "TG11", "OrderQuantity": "10"}]}}


class MockCase(unittest.TestCase):
    flags = ()

    def setUp(self):
        program = os.path.join(ROOT, BIN, "mock-sap")
        self.process = subprocess.Popen([program, "--today", "2026-11-20", *self.flags],
                                        stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        self.mock = json.loads(self.process.stdout.readline())
        self.token = self.fetch_token()[1]["access_token"]

    def end(self):
        self.process.terminate()
        self.assertEqual(self.process.wait(timeout=30), 0)
        self.process.stdout.close()

    def ask(self, method, path, headers=None, body=None, base=None):
        """(status, [(name, value)], text)."""
        split = urllib.parse.urlsplit(base or self.mock["url"])
        connection = http.client.HTTPConnection(split.hostname, split.port, timeout=60)
        connection.request(method, path, body=body, headers=headers or {})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, [(k.lower(), v) for k, v in reply.getheaders()], text

    def fetch_token(self, secret=None, grant="client_credentials"):
        form = urllib.parse.urlencode({"grant_type": grant, "client_id": self.mock["client_id"],
                                       "client_secret": secret or self.mock["client_secret"]})
        status, _, text = self.ask("POST", "/oauth/token", {
            "Content-Type": "application/x-www-form-urlencoded"}, form)
        return status, json.loads(text)

    def bearer(self, **more):
        return dict({"Authorization": "Bearer " + self.token, "Accept": "application/json"}, **more)

    def read(self, path, **options):
        query = "&".join("$%s=%s" % (name, urllib.parse.quote(str(value), safe=""))
                         for name, value in options.items())
        status, _, text = self.ask("GET", path + ("?" + query if query else ""), self.bearer())
        return status, json.loads(text) if text[:1] == "{" else text

    def rows(self, path, **options):
        status, body = self.read(path, **options)
        self.assertEqual(status, 200, body)
        return body["d"]["results"]

    def csrf(self):
        _, headers, _ = self.ask("GET", ORDERS, self.bearer(**{"X-CSRF-Token": "Fetch"}))
        cookies = "; ".join(v.split(";")[0] for k, v in headers if k == "set-cookie")
        return {"X-CSRF-Token": dict(headers)["x-csrf-token"], "Cookie": cookies}

    def create(self, body, headers=None):
        headers = self.csrf() if headers is None else headers
        return self.ask("POST", ORDERS + "A_PurchaseOrder",
                        self.bearer(**dict(headers, **{"Content-Type": "application/json"})),
                        json.dumps(body))

    def control(self, method, path, body=None):
        status, _, text = self.ask(method, path, {"Content-Type": "application/json"},
                                   json.dumps(body) if body is not None else None,
                                   self.mock["control_url"])
        self.assertEqual(status, 200, text)
        return json.loads(text)


class TestLogon(MockCase):
    flags = ("--client", "100")

    def test_the_token_host_refuses_as_xsuaa_does(self):
        status, body = self.fetch_token(secret="wrong")
        self.assertEqual((status, body["error"]), (401, "invalid_client"))
        self.assertEqual(self.fetch_token(grant="password")[0], 400)

    def test_no_and_wrong_credentials_are_401_in_html(self):
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic !"}):
            status, fields, text = self.ask("GET", PARTNERS + "A_Supplier", headers)
            self.assertEqual(status, 401)
            self.assertIn("Logon Error Message", text)
            self.assertIn("S4H/000", dict(fields)["www-authenticate"])

    def test_a_user_needs_the_client(self):
        pair = base64.b64encode(("%s:%s" % (self.mock["username"],
                                            self.mock["password"])).encode()).decode()
        headers = {"Authorization": "Basic " + pair, "Accept": "application/json"}
        self.assertEqual(self.ask("GET", PARTNERS, headers)[0], 401)
        self.assertEqual(self.ask("GET", PARTNERS, dict(headers, **{"sap-client": "100"}))[0], 200)
        self.assertEqual(self.ask("GET", PARTNERS + "?sap-client=100", headers)[0], 200)

    def test_expired_tokens_are_dead(self):
        self.control("POST", "/tokens/expire")
        self.assertEqual(self.ask("GET", PARTNERS, self.bearer())[0], 401)

    def test_the_token_host_takes_no_dialog_process(self):
        self.assertEqual(self.control("GET", "/stats")["token_requests"], 1)
        self.assertEqual(self.control("GET", "/stats")["requests"], 0)


class TestTokenHost(MockCase):
    """Latency, faults and counts of what stands aside."""

    def fault(self, kind, **more):
        self.control("POST", "/faults", dict(
            {"match": {"path_regex": "^/oauth/token$"}, "kind": kind}, **more))

    def test_requests_under_way_at_once_are_counted_until_they_are_answered(self):
        self.control("PUT", "/latency", {"token_ms": 3600000})
        address = urllib.parse.urlsplit(self.mock["url"]).netloc
        open_ones = [http.client.HTTPConnection(address) for _ in range(3)]
        for connection in open_ones:
            connection.request("POST", "/oauth/token", "grant_type=client_credentials")
        end = time.monotonic() + 30
        while self.control("GET", "/stats")["token_requests_in_flight"] != 3:
            self.assertLess(time.monotonic(), end)
        for connection in open_ones:
            connection.close()
        stats = self.control("GET", "/stats")
        self.assertEqual((stats["token_requests"], stats["token_requests_in_flight"],
                          stats["token_requests_in_flight_peak"], stats["in_flight"]),
                         (4, 3, 3, 0))
        self.control("POST", "/reset")
        stats = self.control("GET", "/stats")
        self.assertEqual((stats["token_requests"], stats["token_requests_in_flight_peak"]),
                         (0, 3))

    def test_the_nth_answer_is_lost_after_the_token_was_made(self):
        self.fault("after_commit_drop", skip=2)
        self.assertEqual([self.fetch_token()[0] for _ in range(2)], [200, 200])
        with self.assertRaises(http.client.RemoteDisconnected):
            self.fetch_token()
        self.assertEqual(self.fetch_token()[0], 200)
        self.assertEqual(self.control("GET", "/stats")["token_requests_in_flight"], 0)

    def test_it_fails_as_often_as_ordered(self):
        self.fault("status", status=503, times=2, body="{}")
        self.assertEqual([self.fetch_token()[0] for _ in range(3)], [503, 503, 200])

    def test_its_answer_can_be_cut_and_be_no_json(self):
        self.fault("malformed")
        with self.assertRaises(json.JSONDecodeError):
            self.fetch_token()
        self.fault("truncate")
        with self.assertRaises(http.client.IncompleteRead):
            self.fetch_token()


class TestReads(MockCase):
    def test_decimals_and_dates_are_text(self):
        row = self.rows(INVOICES + "A_SupplierInvoice", top=1)[0]
        self.assertRegex(row["InvoiceGrossAmount"], r"^\d+\.\d\d$")
        self.assertRegex(row["DocumentDate"], r"^/Date\(\d+\)/$")

    def test_select_expand_and_deferred(self):
        row = self.rows(ORDERS + "A_PurchaseOrder", top=1,
                        select="PurchaseOrder,to_PurchaseOrderItem/Material",
                        expand="to_PurchaseOrderItem")[0]
        self.assertEqual(set(row), {"__metadata", "PurchaseOrder", "to_PurchaseOrderItem"})
        self.assertEqual(set(row["to_PurchaseOrderItem"]["results"][0]),
                         {"__metadata", "Material"})
        whole = self.rows(ORDERS + "A_PurchaseOrder", top=1)[0]
        self.assertIn("__deferred", whole["to_PurchaseOrderItem"])

    def test_filters_are_typed_and_really_run(self):
        rows = self.rows(PARTNERS + "A_Supplier",
                         filter="substringof('O''Hara',SupplierName) eq true")
        self.assertTrue(rows and all("O'Hara" in row["SupplierName"] for row in rows))
        rows = self.rows(INVOICES + "A_SupplierInvoice", filter="InvoiceGrossAmount gt 50000M and "
                         "(DocumentCurrency eq 'EUR' or DocumentCurrency eq 'USD')")
        self.assertTrue(rows and all(float(row["InvoiceGrossAmount"]) > 50000 for row in rows))
        for wrong in ("InvoiceGrossAmount gt 'x'", "Nonsense eq '1'", "DocumentCurrency eq 5",
                      "(DocumentCurrency eq 'EUR'", "DocumentCurrency eq 'EUR' nonsense"):
            status, body = self.read(INVOICES + "A_SupplierInvoice", filter=wrong)
            self.assertEqual(status, 400, wrong)
            self.assertIn("message", body["error"])

    def test_keys_in_both_forms_and_any_order(self):
        for key in ("'4500000001'", "PurchaseOrder='4500000001'", "'004500000001'"):
            status, body = self.read(ORDERS + "A_PurchaseOrder(%s)" % key)
            self.assertEqual((status, body["d"]["PurchaseOrder"]), (200, "4500000001"))
        row = self.rows(INVOICES + "A_SupplierInvoice", top=1)[0]
        key = "FiscalYear='%s',SupplierInvoice='%s'" % (row["FiscalYear"], row["SupplierInvoice"])
        self.assertEqual(self.read(INVOICES + "A_SupplierInvoice(%s)" % key)[0], 200)
        self.assertEqual(self.read(ORDERS + "A_PurchaseOrder('1')")[1]["error"]["code"],
                         "/IWBEP/CM_MGW_RT/020")

    def test_pages_of_the_server_are_linked(self):
        status, body = self.read(ORDERS + "A_PurchaseOrder", inlinecount="allpages",
                                 select="PurchaseOrder")
        seen = [row["PurchaseOrder"] for row in body["d"]["results"]]
        total = int(body["d"]["__count"])
        while "__next" in body["d"]:
            split = urllib.parse.urlsplit(body["d"]["__next"])
            _, _, text = self.ask("GET", split.path + "?" + split.query, self.bearer())
            body = json.loads(text)
            seen += [row["PurchaseOrder"] for row in body["d"]["results"]]
        self.assertEqual((len(seen), len(set(seen))), (total, total))

    def test_a_missing_service_is_403_in_xml(self):
        status, fields, text = self.ask("GET", ODATA + "API_NONE/A", self.bearer())
        self.assertEqual(status, 403)
        self.assertIn("/IWFND/MED/170", text)
        self.assertIn("xml", dict(fields)["content-type"])


class TestCreates(MockCase):
    def writes(self):
        return self.control("GET", "/stats")["writes"]

    def test_a_token_is_good_with_its_cookie_only(self):
        good = self.csrf()
        for headers in ({}, {"X-CSRF-Token": good["X-CSRF-Token"]},
                        {"Cookie": good["Cookie"]}, dict(good, **{"X-CSRF-Token": "x"})):
            status, fields, text = self.create(ORDER, headers)
            self.assertEqual((status, text), (403, "CSRF token validation failed"))
            self.assertEqual(dict(fields)["x-csrf-token"], "Required")
        self.control("POST", "/csrf/expire")
        self.assertEqual(self.create(ORDER, good)[0], 403)
        self.assertEqual(self.writes(), 0)

    def test_an_order_is_made_with_its_items(self):
        status, fields, text = self.create(ORDER)
        made = json.loads(text)["d"]
        self.assertEqual(status, 201)
        self.assertIn("A_PurchaseOrder('%s')" % made["PurchaseOrder"], dict(fields)["location"])
        self.assertEqual(json.loads(dict(fields)["sap-message"])["severity"], "warning")
        self.assertEqual(made["to_PurchaseOrderItem"]["results"][0]["PurchaseOrderItem"], "10")
        self.assertEqual(self.writes(), 1)
        bare = dict(ORDER, to_PurchaseOrderItem=ORDER["to_PurchaseOrderItem"]["results"])
        self.assertEqual(self.create(bare)[0], 201)

    def test_what_sap_refuses_leaves_nothing(self):
        item = {"Material": "TG11", "OrderQuantity": "1"}
        for change in ({"Supplier": "1"}, {"Supplier": "17300010"},
                       {"PurchasingOrganization": "9999"}, {"Nonsense": "x"},
                       {"PurchaseOrderDate": "2026-11-20"}, {"to_PurchaseOrderItem": []},
                       {"to_PurchaseOrderItem": [dict(item, OrderQuantity=1)]},
                       {"to_PurchaseOrderItem": [dict(item, OrderQuantity="1.23456")]},
                       {"to_PurchaseOrderItem": [item, dict(item, Material="NONE")]}):
            status, _, text = self.create(dict(ORDER, **change))
            self.assertEqual(status, 400, change)
            self.assertTrue(json.loads(text)["error"]["innererror"]["errordetails"])
        self.assertEqual(self.writes(), 0)
        self.assertEqual(len(self.rows(ORDERS + "A_PurchaseOrder",
                                       filter="PurchaseOrder ge '4500000320'")), 0)

    def test_format_is_refused_on_post(self):
        headers = self.bearer(**dict(self.csrf(), **{"Content-Type": "application/json"}))
        status, _, _ = self.ask("POST", ORDERS + "A_PurchaseOrder?$format=json", headers,
                                json.dumps(ORDER))
        self.assertEqual(status, 400)

    def test_a_dropped_answer_leaves_the_document(self):
        headers = self.csrf()
        self.control("POST", "/faults", {"match": {"method": "POST"}, "times": 1,
                                         "kind": "after_commit_drop"})
        with self.assertRaises((http.client.HTTPException, ConnectionError)):
            self.create(ORDER, headers)
        self.assertEqual(self.writes(), 1)


class TestDialogProcesses(MockCase):
    flags = ("--dialog-processes", "2", "--queue-ms", "300")

    def volley(self, calls):
        results = []
        threads = [threading.Thread(target=lambda: results.append(
            self.ask("GET", PARTNERS, self.bearer())[0])) for _ in range(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def test_work_queues_for_a_process(self):
        self.control("PUT", "/latency", {"ms": 30, "jitter_ms": 0})
        self.assertEqual(self.volley(6), [200] * 6)
        self.assertEqual(self.control("GET", "/stats")["in_flight_peak"], 2)

    def test_what_waited_too_long_is_503_in_html(self):
        self.control("PUT", "/latency", {"ms": 2000, "jitter_ms": 0})
        results = self.volley(4)
        self.assertEqual(sorted(results), [200, 200, 503, 503])
        self.assertEqual(self.control("GET", "/stats")["refused_concurrency"], 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
