"""Canned ERPs: an nginx that answers every request with one page, as that ERP writes it.

What is measured is what stands between caller and upstream. A page has so many rows that sluice's
result is about as large as its name says; what it is to the byte is measured.
"""
import json
import os
import socket
import subprocess
import time

import measure  # noqa: F401  (it knows where stand is)
from stand import Fault, exchange

SECRETS = ("consumer_key", "consumer_secret", "token_id", "token_secret")
TOKEN = {"access_token": "bench", "token_type": "bearer", "expires_in": 43199, "scope": ""}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def suiteql_page(rows):
    """A SuiteQL answer: null columns left out, amounts as text."""
    items = [{"links": [], "id": str(1000 + n), "tranid": "INV-%d" % (1000 + n), "entity": "107",
              "entityname": "Hansen A/S", "status": "CustInvc:A", "approvalstatus": "2",
              "currency": "EUR", "foreigntotal": "1250.00", "foreignamountunpaid": "1250.00",
              "trandate": "2026-10-01", "duedate": "2026-10-31", "memo": "Consulting"}
             for n in range(rows)]
    return compact({"links": [], "count": rows, "hasMore": False, "items": items, "offset": 0,
                    "totalResults": rows})


def odata_page(rows):
    """An OData V2 answer: each row says who it is, dates as ticks, amounts as text."""
    service = "http://127.0.0.1/sap/opu/odata/sap/API_SUPPLIERINVOICE_PROCESS_SRV"
    items = []
    for number in range(5105600000, 5105600000 + rows):
        name = service + "/A_SupplierInvoice(SupplierInvoice='%d',FiscalYear='2026')" % number
        items.append({
            "__metadata": {"id": name, "uri": name,
                           "type": "API_SUPPLIERINVOICE_PROCESS_SRV.A_SupplierInvoiceType"},
            "SupplierInvoice": str(number), "FiscalYear": "2026",
            "DocumentDate": "/Date(1785974400000)/", "SupplierInvoiceIDByInvcgParty": "RE-000000",
            "InvoicingParty": "17300035", "DocumentCurrency": "EUR",
            "InvoiceGrossAmount": "34575.06", "DocumentHeaderText": "Invoice",
            "DueCalculationBaseDate": "/Date(1785974400000)/", "CashDiscount1Days": "14",
            "CashDiscount2Days": "0", "NetPaymentDays": "30", "SupplierInvoiceStatus": "5",
            "SupplierInvoiceIsCreditMemo": "", "PaymentReference": "", "ReverseDocument": ""})
    return compact({"d": {"results": items}})


def netsuite_account(stand, key):
    """The body that connects an account; its own lane by its own account id."""
    stand_in = dict(dict.fromkeys(SECRETS, "bench"), account_id="TSTDRV1")
    return stand.netsuite_account(mock=key, credentials=stand_in)


def sap_account(stand, key):
    return stand.sap_account(mock=key)


class Erp:
    """What the bench knows of an ERP: its page, its list tool, how an account is connected."""

    def __init__(self, title, media_type, page, tool, account, rows):
        self.title, self.media_type, self.page = title, media_type, page
        self.tool, self.account, self.rows = tool, account, rows

    def call(self):
        return {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": self.tool, "arguments": {"limit": 50}}}


NETSUITE = Erp("NetSuite", "application/vnd.oracle.resource+json; type=collection", suiteql_page,
               "list_all_netsuite_invoices", netsuite_account, {2: 7, 9: 36})
SAP = Erp("SAP", "application/json;charset=utf-8", odata_page,
          "list_all_sap_vendor_bills", sap_account, {2: 7, 9: 35})


class Nginx:
    """One nginx with one worker on a free port; `block` is what goes around its server block."""

    def __init__(self, scratch, name, locations, around=""):
        for _ in range(5):  # a port that was free may be taken by the time nginx asks for it
            self.port = free_port()
            self.url = "http://127.0.0.1:%d" % self.port
            self.process = subprocess.Popen(
                ["nginx", "-p", scratch, "-c", self.configure(scratch, name, locations, around)],
                stderr=subprocess.DEVNULL)
            if self.answers():
                return
            self.stop()
        raise Fault("nginx (%s) does not start; see nginx -t" % name)

    def configure(self, scratch, name, locations, around):
        places = " ".join("%s_temp_path %s/%s-%s;" % (kind, scratch, name, kind) for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = os.path.join(scratch, name + ".conf")
        with open(path, "w") as out:
            out.write("worker_processes 1; daemon off; pid %s/%s.pid; error_log %s/%s.log;\n"
                      "worker_rlimit_nofile 16384;\n"
                      "events { worker_connections 8192; }\n"
                      "http { access_log off; keepalive_requests 1000000000; %s\n%s\n"
                      "server { listen 127.0.0.1:%d backlog=4096; %s } }\n"
                      % (scratch, name, scratch, name, places, around, self.port, locations))
        return path

    def answers(self):
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            try:
                exchange(self.url, "POST", "/", b"{}", timeout=5)
                return self.process.poll() is None
            except OSError:
                time.sleep(0.02)
        return False

    def pids(self):
        master = self.process.pid
        with open("/proc/%d/task/%d/children" % (master, master)) as children:
            return [master] + [int(pid) for pid in children.read().split()]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def answer(text):
    """nginx's directives that answer with that text; a word of its configuration is at most 4 KB."""
    pieces = [text[at:at + 3000].replace("'", "\\'") for at in range(0, len(text), 3000)]
    return "%s return 200 '%s';" % (
        " ".join("set $piece%d '%s';" % pair for pair in enumerate(pieces)),
        "".join("${piece%d}" % number for number in range(len(pieces))))


def canned(scratch, erp, kilobytes):
    """That ERP with a page for a result of about so many KB."""
    return Nginx(scratch, "%s-%d" % (erp.title.lower(), kilobytes),
                 "location = /oauth/token { default_type application/json; %s }\n"
                 "location / { default_type '%s'; %s }" %
                 (answer(compact(TOKEN)), erp.media_type, answer(erp.page(erp.rows[kilobytes]))))


def proxy(scratch, upstream):
    """nginx that passes everything on to that upstream, by connections it keeps."""
    around = ("upstream erp { server 127.0.0.1:%d; keepalive 64; "
              "keepalive_requests 1000000000; }" % upstream.port)
    return Nginx(scratch, "proxy-%d" % upstream.port,
                 "location / { proxy_pass http://erp; proxy_http_version 1.1; "
                 "proxy_set_header Connection ''; }", around)
