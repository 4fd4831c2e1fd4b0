# SPDX-License-Identifier: Apache-2.0
"""mock-netsuite's SOAP interface, signed with Python's own hmac: passports, faults, operations.

Run: SLUICE_BIN=build/bin python3 -m unittest discover -s tests/flow -p 'test_mock_netsuite*.py'
"""
import base64
import hashlib
import hmac
import http.client
import os
import secrets
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mock_netsuite import RECORD, Answer, Case, Credentials, authorization, encode

VERSION = "2025_2"
PORT = "/services/NetSuitePort_" + VERSION
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
CORE = "{urn:core_%s.platform.webservices.netsuite.com}" % VERSION
MESSAGES = "{urn:messages_%s.platform.webservices.netsuite.com}" % VERSION
FAULTS = "{urn:faults_%s.platform.webservices.netsuite.com}" % VERSION
LISTS = "{urn:relationships_%s.lists.webservices.netsuite.com}" % VERSION
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
TIME = "<msgs:getServerTime/>"
FIELDS = ("account", "consumerKey", "token", "nonce", "timestamp", "signature")


def signature(who, fields):
    base = "&".join(encode(fields[name]) for name in FIELDS[:5])
    key = encode(who.consumer_secret) + "&" + encode(who.token_secret)
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def passport(who, algorithm="HMAC-SHA256", prefix="core", **change):
    """`change` replaces or (None) removes fields; the signature covers what is sent."""
    fields = {"account": who.account_id, "consumerKey": who.consumer_key, "token": who.token_id,
              "nonce": secrets.token_hex(10), "timestamp": str(int(time.time())), **change}
    if "signature" not in change:
        fields["signature"] = signature(who, {k: v or "" for k, v in fields.items()})
    parts = ["<%s:%s%s>%s</%s:%s>" % (
        prefix, name, ' algorithm="%s"' % algorithm if name == "signature" and algorithm else "",
        fields[name], prefix, name) for name in FIELDS if fields[name] is not None]
    return "<msgs:tokenPassport>%s</msgs:tokenPassport>" % "".join(parts)


def envelope(header, body, version=VERSION):
    names = "".join(' xmlns:%s="urn:%s_%s.platform.webservices.netsuite.com"' % (prefix, name, version)
                    for prefix, name in (("msgs", "messages"), ("core", "core")))
    return ('<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:xsi="http://www.w3.org/2001/'
            'XMLSchema-instance" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"%s><s:Header>%s'
            "</s:Header><s:Body>%s</s:Body></s:Envelope>" % (names, header, body))


class Soap(Case):
    def post(self, text, action="getServerTime", headers=None, port=PORT):
        fields = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"%s"' % action}
        fields.update(headers or {})
        connection = http.client.HTTPConnection(self.mock.host, timeout=60)
        try:
            data = text if isinstance(text, bytes) else text.encode()
            connection.request("POST", port, data,
                               {k: v for k, v in fields.items() if v is not None})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def call(self, body, action, header=None):
        """The body's first element of a 200."""
        answer = self.post(envelope(header or passport(self.mock.who), body), action)
        self.assertEqual((200, "text/xml; charset=utf-8"),
                         (answer.status, answer.headers["content-type"]), answer.body)
        root = ElementTree.fromstring(answer.body)
        self.assertIn("WEBSERVICES_", root.find(SOAP + "Header").find(".//" + MESSAGES + "nsId").text)
        return root.find(SOAP + "Body")[0]

    def fault(self, answer, element, code, message):
        self.assertEqual(500, answer.status)
        found = ElementTree.fromstring(answer.body).find(SOAP + "Body").find(SOAP + "Fault")
        self.assertEqual("soapenv:Server.userException", found.find("faultcode").text)
        detail = found.find("detail")
        self.assertEqual((FAULTS + element, code, message, message),
                         (detail[0].tag, detail[0].find(FAULTS + "code").text,
                          detail[0].find(FAULTS + "message").text, found.find("faultstring").text))

    def invalid(self, answer, reason=None):
        self.fault(answer, "invalidCredentialsFault", "USER_ERROR", "Invalid login attempt.")
        if reason:
            self.assertNotIn(reason.encode(), answer.body)
            self.assertEqual({reason: 1}, self.mock.stats()["auth_failures"])


class Passports(Soap):
    args = ("--lockout-seconds", "1800")

    def test_a_right_signature_is_let_in_under_both_names_of_the_algorithm(self):
        for algorithm in ("HMAC-SHA256", "HMAC_SHA256"):
            self.call(TIME, "getServerTime", passport(self.mock.who, algorithm))
        text = envelope(passport(self.mock.who).replace("</core:signature>", "\n  </core:signature>"),
                        TIME)
        self.assertEqual(200, self.post(text).status)

    def test_the_published_vector_fits(self):
        fields = {"account": "123456", "nonce": "fjaLirsIcCGVZWzBX0pg", "timestamp": "1508242306",
                  "consumerKey": "ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4",
                  "token": "2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc",
                  "signature": "tIcC5zyKUmycB5Ml/cNxOHDusw03Y5KPQiXVNUHHp4U="}
        secret = ("d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5",
                  "c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295")
        who = Credentials(fields["account"], fields["consumerKey"], secret[0], fields["token"],
                          secret[1])
        self.assertEqual(200, self.mock.control("POST", "/accounts", {
            "account_id": who.account_id, "consumer_key": who.consumer_key,
            "consumer_secret": secret[0], "token_id": who.token_id, "token_secret": secret[1]})[0])
        self.mock.control("PUT", "/clock", {"skew_seconds": 1508242306 - int(time.time())})
        self.assertEqual(200, self.post(envelope(passport(who, **fields), TIME)).status)
        self.assertEqual(1, self.mock.stats()["accounts"]["123456"]["requests"])

    def test_wrong_parts_are_one_fault_with_the_reason_in_the_audit_only(self):
        now = int(time.time())
        for reason, algorithm, change in (
                ("InvalidSignature", "HMAC-SHA256", {"signature": "AAAA"}),
                ("UnknownAlgorithm", "HMAC-SHA1", {}),
                ("AccountMismatch", "HMAC-SHA256", {"account": self.mock.who.account_id.lower()}),
                ("consumer_key_unknown", "HMAC-SHA256", {"consumerKey": "nobody"}),
                ("token_rejected", "HMAC-SHA256", {"token": "nobody"}),
                ("InvalidTimestamp", "HMAC-SHA256", {"timestamp": str(now - 400)}),
                ("InvalidTimestamp", "HMAC-SHA256", {"timestamp": "soon"}),
                ("nonce_rejected", "HMAC-SHA256", {"nonce": "abc12"}),
                ("nonce_rejected", "HMAC-SHA256", {"nonce": "abc-123-def"})):
            with self.subTest(reason=reason, change=str(change)):
                self.mock.control("POST", "/reset")
                text = envelope(passport(self.mock.who, algorithm, **change), TIME)
                self.invalid(self.post(text), reason)
                self.assertEqual(1, self.mock.stats()["refused_auth"])

    def test_a_passport_serves_once_also_across_interfaces(self):
        token = passport(self.mock.who, nonce="abcdef123456")
        self.assertEqual(200, self.post(envelope(token, TIME)).status)
        self.invalid(self.post(envelope(token, TIME)), "NonceUsed")
        stamp = str(int(time.time()))
        self.assertEqual(200, self.mock.call("GET", RECORD + "/currency/1", nonce="shared1234",
                                             timestamp=stamp).status)
        self.invalid(self.post(envelope(passport(self.mock.who, nonce="shared1234",
                                                 timestamp=stamp), TIME)))

    def test_the_underscored_name_is_for_soap_alone(self):
        self.assertEqual(401, self.mock.call("GET", RECORD + "/currency/1",
                                             signature_method="HMAC_SHA256").status)

    def test_a_field_that_misses_is_malformed_syntax(self):
        texts = [passport(self.mock.who, **{name: None}) for name in FIELDS]
        texts += [passport(self.mock.who, algorithm=None), passport(self.mock.who, prefix="msgs")]
        for text in texts:
            self.fault(self.post(envelope(text, TIME)), "invalidCredentialsFault", "USER_ERROR",
                       "The request could not be understood by the server due to malformed syntax.")
        self.assertEqual({"MissingTokenPassportRequiredFields": len(texts)},
                         self.mock.stats()["auth_failures"])

    def test_two_ways_at_once_are_ambiguous(self):
        token = passport(self.mock.who)
        for more in ("<msgs:passport/>", "<msgs:applicationInfo/>", "<msgs:ApplicationInfo/>", token):
            self.fault(self.post(envelope(token + more, TIME)), "invalidCredentialsFault",
                       "USER_ERROR", "Ambiguous authentication")

    def test_no_passport_a_users_and_a_bearer_token_do_not_get_in(self):
        timed_out = ("invalidSessionFault", "SESSION_TIMED_OUT",
                     "Your connection has timed out.  Please log in again.")
        self.fault(self.post(envelope("", TIME)), *timed_out)
        self.fault(self.post(envelope("", TIME), headers={"Authorization": "Bearer x"}), *timed_out)
        header = authorization(self.mock.who, "POST", self.mock.host, PORT)
        self.fault(self.post(envelope("", TIME), headers={"Authorization": header}), *timed_out)
        self.invalid(self.post(envelope("<msgs:passport><core:email>a</core:email></msgs:passport>",
                                        TIME)))

    def test_five_failures_lock_the_token_at_every_interface(self):
        for _ in range(3):
            self.invalid(self.post(envelope(passport(self.mock.who, signature="AAAA"), TIME)))
        login = self.mock.control("GET", "/logins")[1]["logins"][0]
        self.assertEqual((self.mock.who.token_id, 3, 0),
                         (login["token_id"], login["failures"], login["locked_seconds"]))
        for _ in range(2):
            self.assertEqual(401, self.mock.call("GET", RECORD + "/currency/1",
                                                 signature="AAAA").status)
        self.invalid(self.post(envelope(passport(self.mock.who), TIME)))
        self.assertEqual(401, self.mock.call("GET", RECORD + "/currency/1").status)
        locked = self.mock.control("GET", "/logins")[1]["logins"][0]["locked_seconds"]
        self.assertTrue(1790 < locked <= 1800, locked)
        self.mock.control("PUT", "/clock", {"skew_seconds": 1801})
        late = passport(self.mock.who, timestamp=str(int(time.time()) + 1801))
        self.assertEqual(200, self.post(envelope(late, TIME)).status)

    def test_a_host_of_another_account_is_refused(self):
        for host, status in (("tstdrv1234567.suitetalk.api.netsuite.com", 200),
                             ("other.suitetalk.api.netsuite.com", 500)):
            text = envelope(passport(self.mock.who), TIME)
            self.assertEqual(status, self.post(text, headers={"Host": host}).status)


class Operations(Soap):
    def get(self, attributes):
        element = self.call('<msgs:get><msgs:baseRef xsi:type="core:RecordRef" %s/></msgs:get>'
                            % attributes, "get")
        self.assertEqual(MESSAGES + "getResponse", element.tag)
        return element[0]

    def test_the_servers_time(self):
        result = self.call(TIME, "getServerTime")[0]
        self.assertEqual("true", result.find(CORE + "status").get("isSuccess"))
        text = result.find(CORE + "serverTime").text
        self.assertRegex(text, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(text[:10], time.strftime("%Y-%m-%d", time.gmtime()))

    def test_a_record_is_the_one_that_rest_shows(self):
        rest = self.mock.call("GET", RECORD + "/customer/eid:crm-5000").json
        for attributes in ('internalId="%s" type="customer"' % rest["id"],
                           'externalId="crm-5000" type="customer"'):
            response = self.get(attributes)
            self.assertEqual("true", response.find(CORE + "status").get("isSuccess"))
            record = response.find(MESSAGES + "record")
            self.assertEqual((rest["id"], "crm-5000", "listRel:Customer"),
                             (record.get("internalId"), record.get("externalId"), record.get(TYPE)))
            self.assertEqual(rest["entityId"], record.find(LISTS + "entityId").text)
            self.assertEqual(rest["currency"]["id"],
                             record.find(LISTS + "currency").get("internalId"))
            self.assertEqual(str(rest["isInactive"]).lower(), record.find(LISTS + "isInactive").text)
        vendor = self.mock.rows("SELECT id, entityid FROM vendor ORDER BY id", limit=1)[0]
        record = self.get('internalId="%s" type="vendor"' % vendor["id"]).find(MESSAGES + "record")
        self.assertEqual((vendor["entityid"], "listRel:Vendor"),
                         (record.find(LISTS + "entityId").text, record.get(TYPE)))

    def test_a_record_that_is_not_there_is_an_error_inside_a_200(self):
        for attributes in ('internalId="999999" type="customer"', 'internalId="x" type="vendor"',
                           'externalId="crm-5000" type="vendor"', 'type="customer"'):
            status = self.get(attributes).find(CORE + "status")
            self.assertEqual(("false", "RCRD_DSNT_EXIST", "That record does not exist."),
                             (status.get("isSuccess"), status.find(".//" + CORE + "code").text,
                              status.find(".//" + CORE + "message").text))

    def test_the_urls_are_for_everybody_and_take_no_place(self):
        self.mock.control("PUT", "/limits", {"concurrency": 0})
        body = "<msgs:getDataCenterUrls><msgs:account>%s</msgs:account></msgs:getDataCenterUrls>"
        for account, success in ((self.mock.who.account_id, "true"), ("NOBODY", "false")):
            result = self.call(body % account, "getDataCenterUrls", " ")[0]
            self.assertEqual(success, result.find(CORE + "status").get("isSuccess"))
            urls = result.find(CORE + "dataCenterUrls")
            self.assertEqual(success == "true", urls is not None)
            if urls is not None:
                self.assertEqual(["http://" + self.mock.host] * 3, [url.text for url in urls])
        self.assertEqual(0, self.mock.stats()["requests"])

    def test_the_limit_and_faults_have_their_own_words(self):
        self.mock.control("PUT", "/limits", {"concurrency": 0})
        text = envelope(passport(self.mock.who), TIME)
        self.fault(self.post(text), "exceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED",
                   "SuiteTalk concurrent request limit exceeded. Request blocked.")
        self.mock.control("PUT", "/limits", {"concurrency": 15})
        self.mock.fault("expire_tokens")
        self.invalid(self.post(envelope(passport(self.mock.who), TIME)))
        for status, element, code in ((403, "insufficientPermissionFault", "INSUFFICIENT_PERMISSION"),
                                      (500, "unexpectedErrorFault", "UNEXPECTED_ERROR")):
            self.mock.fault("status", status=status)
            answer = self.post(envelope(passport(self.mock.who), TIME))
            self.assertEqual(500, answer.status)
            self.assertIn(("<platformFaults:code>%s<" % code).encode(), answer.body)
            self.assertIn(element.encode(), answer.body)

    def test_what_is_no_request_of_this_version_is_a_fault(self):
        token = passport(self.mock.who)
        doctype = '<!DOCTYPE a [<!ENTITY b "c">]>'
        text = envelope(token, TIME)
        for bad in ("", "nonsense", text[:-20], text.replace("?>", "?>" + doctype, 1), "<a/>",
                    text.replace("s:Envelope", "s:Other"), "\0" + text, envelope(token, ""),
                    text.encode("utf-16"), envelope(token, "<msgs:a>%s</msgs:a>" % ("x" * 1100000)),
                    "<a>" * 1000 + "</a>" * 1000):
            answer = self.post(bad)
            self.assertEqual(500, answer.status)
            self.assertIn(b"<soapenv:Fault>", answer.body)
        self.assertEqual({}, self.mock.stats()["auth_failures"])
        self.fault(self.post(envelope(token, TIME, "2024_1")), "invalidVersionFault",
                   "INVALID_WS_VERSION",
                   "The namespace of the operation is not of the endpoint's version.")
        self.assertIn(b"SOAPAction", self.post(text, headers={"SOAPAction": None}).body)
        for body, action in (("<msgs:delete/>", "delete"), (TIME, "get")):
            self.assertIn(b"No such operation", self.post(
                envelope(passport(self.mock.who), body), action).body)
        self.assertIn(b"legal value for RecordType", self.post(envelope(
            passport(self.mock.who), '<msgs:get><msgs:baseRef type="a&lt;b" internalId="1"/>'
            "</msgs:get>"), "get").body)

    def test_a_request_is_utf_8_whatever_it_says(self):
        # What libxml2 would print of it (the end of the class looks at standard error) is payload.
        for name in ("UTF-16", "UCS-4", "ISO-2022-JP", "US-ASCII", "UTF-7"):
            text = envelope(passport(self.mock.who), TIME + "<!-- \u00f8 -->")
            self.assertEqual(200, self.post(text.replace("UTF-8", name, 1)).status, name)
        bad = envelope(passport(self.mock.who), TIME + "<!-- x -->").encode().replace(b" x ", b"\xff")
        self.assertEqual(500, self.post(bad).status)

    def test_an_older_version_answers_in_its_own_names(self):
        port = PORT.replace(VERSION, "2024_1")
        answer = self.post(envelope(passport(self.mock.who), TIME, "2024_1"), port=port)
        self.assertEqual(200, answer.status)
        self.assertIn(b"urn:core_2024_1.platform", answer.body)
        for other in ("/services/NetSuitePort_", PORT + "x", PORT.replace("_2025", "-2025")):
            self.assertEqual(401, self.post(envelope("", TIME), port=other).status)


if __name__ == "__main__":
    unittest.main()
