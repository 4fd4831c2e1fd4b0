# SPDX-License-Identifier: Apache-2.0
"""Access tokens that end while calls come: how often the token host is asked, and what callers see.

NetSuite's machine-to-machine flow, whose tokens live in memory alone."""
import tempfile
import time

from flow import FlowCase, Volley, call_bytes, codes, connect, main, read_reply, wait_until
from mock_netsuite_oauth import Key

CUSTOMERS = "list_all_netsuite_customers"
TOKEN_PATH = "/oauth2/v1/token$"
SPARE = 30  # seconds: a token that ends sooner is not used
HELD = 15000  # milliseconds: a token host that needs 20 s is down
LONG_LINE = {"ceiling": 5, "queue_limit": 100, "queue_wait_ms": 60000}


class TokenCase(FlowCase):
    @classmethod
    def prepare(cls):
        cls.keys = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.keys.cleanup)

    def setUp(self):
        wait_until(lambda: self.stats()["in_flight"] == 0, "an idle mock")
        self.reset()
        self.lives(None)

    def control(self, method, path, body=None):
        reply = self.stand.control("netsuite", method, path, body)
        self.assertNotIn("error", reply or {})
        return reply

    def lives(self, seconds):
        """How long access tokens are good from now on; None: NetSuite's hour."""
        self.control("PUT", "/oauth2", {"access_token_seconds": seconds})

    def token_latency(self, ms):
        self.control("PUT", "/latency", {"token_ms": ms})
        self.addCleanup(self.release_tokens)

    def release_tokens(self):
        """What waits at the token host is answered now, and what comes later at once."""
        self.control("PUT", "/latency", {"token_ms": 0})
        self.control("POST", "/release")

    def token_fault(self, kind, times=1, **more):
        self.fault(kind, times, match={"path_regex": TOKEN_PATH}, **more)

    def asked(self):
        return self.stats()["token_requests"]

    def account(self, alg="ES256", key=None):
        """One that has just been tried, and its URL."""
        credentials = self.upstream()
        client = self.control("POST", "/integrations", {
            "account_id": credentials["account_id"], "client_credentials": True,
            "name": "sluice"})["client_id"]
        key = key or Key(self.keys.name, "ec", "prime256v1")
        with open(key.key, encoding="ascii") as file:
            pem = file.read()
        certificate = self.control("POST", "/certificates", {
            "client_id": client, "certificate_pem": key.pem})["certificate_id"]
        body = self.stand.netsuite_account(credentials=credentials, governor=LONG_LINE)
        body["auth"] = {"scheme": "netsuite_m2m", "client_id": client, "alg": alg,
                        "certificate_id": certificate, "private_key_pem": pem}
        account = self.stand.admin("POST", "/integrated-account", body)
        return account, self.stand.mint(account["id"])["url"]

    def stale_account(self):
        """One whose token has ended by now; the next lives long. Nothing is counted yet."""
        self.lives(SPARE + 2)
        account, url = self.account()
        got = time.monotonic()
        self.lives(None)
        wait_until(lambda: time.monotonic() > got + 3, "a token that ends within 30 s")
        self.reset()
        return account, url

    def volley(self, url, calls=50):
        return codes(Volley(url, calls, CUSTOMERS).send().results())

    def active(self, account):
        return self.stand.admin("GET", "/integrated-account/" + account["id"])["state"] == "active"


class TestOneRequest(TokenCase):
    def test_every_algorithm_is_taken(self):
        for alg, key in (("PS256", Key(self.keys.name)), ("ES256", None),
                         ("ES384", Key(self.keys.name, "ec", "secp384r1"))):
            _, url = self.account(alg, key)
            self.assertEqual(self.volley(url, 2), {"ok": 2})

    def test_fifty_calls_on_a_token_that_has_ended(self):
        _, url = self.stale_account()
        self.assertEqual(self.volley(url), {"ok": 50})
        self.assertEqual(self.asked(), 1)

    def test_fifty_calls_while_the_token_host_is_slow(self):
        _, url = self.stale_account()
        self.token_latency(3000)
        self.assertEqual(self.volley(url), {"ok": 50})
        self.assertEqual(self.asked(), 1)

    def test_fifty_calls_on_a_token_that_only_the_erp_knows_to_have_ended(self):
        _, url = self.account()
        self.volley(url, 1)
        self.reset()
        self.control("POST", "/tokens/expire", {"kind": "access"})
        self.assertEqual(self.volley(url), {"ok": 50})
        self.assertEqual(self.asked(), 1)

    def test_a_token_that_ends_in_the_middle_of_a_conversation_is_not_seen(self):
        self.lives(SPARE + 2)
        account, url = self.account()
        # Else its token would be renewed ahead of its end while another test counts.
        self.addCleanup(self.stand.admin, "DELETE", "/integrated-account/" + account["id"])
        calls = []

        def call():
            status, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 1})
            self.assertEqual((status, result.get("isError", False)), (200, False), result)
            calls.append(result)
            return len(calls) > 20 and self.asked() > 2
        wait_until(call, lambda: "a third token, after %d calls" % len(calls))


class TestTrouble(TokenCase):
    def test_a_lost_answer_is_asked_for_again(self):
        account, url = self.stale_account()
        self.token_fault("after_commit_drop")
        self.assertEqual(self.volley(url), {"ok": 50})
        self.assertEqual(self.asked(), 2)
        self.assertTrue(self.active(account))

    def test_a_token_host_in_trouble_is_given_a_moment(self):
        account, url = self.stale_account()
        for status in (500, 503):
            self.token_fault("status", status=status)
        self.assertEqual(self.volley(url), {"ok": 50})
        self.assertEqual(self.asked(), 3)
        self.assertTrue(self.active(account))

    def test_an_account_deleted_in_the_middle(self):
        account, url = self.stale_account()
        self.token_latency(HELD)
        volley = Volley(url, 5, CUSTOMERS).send()
        wait_until(lambda: self.stats()["token_requests_in_flight"] == 1, "a request for a token")
        self.stand.api("DELETE", "/integrated-account/" + account["id"])
        self.assertEqual({status for status, _, _ in volley.results()}, {401})
        self.release_tokens()
        wait_until(lambda: self.stats()["token_requests_in_flight"] == 0, "its end")
        self.assertEqual(self.asked(), 1)

    def test_a_server_killed_in_the_middle(self):
        account, url = self.stale_account()
        self.token_latency(HELD)
        sock = connect(url)
        sock.sendall(call_bytes(url, CUSTOMERS, {"limit": 1}))
        wait_until(lambda: self.stats()["token_requests_in_flight"] == 1, "a request for a token")
        process = self.stand.process("server")
        process.kill()
        process.wait()
        self.release_tokens()
        sock.close()
        self.stand.start_server()
        url = self.stand.mint(account["id"])["url"]
        self.assertEqual(self.volley(url), {"ok": 50})
        self.assertTrue(self.active(account))

    @classmethod
    def expected_codes(cls, name):
        return (0, -9) if name == "server" else (0,)

    def test_a_client_that_is_refused_is_told_so_and_may_come_back(self):
        account, url = self.stale_account()
        self.token_fault("status", status=400, body='{"error":"invalid_client"}',
                         headers={"Content-Type": "application/json"})
        result = self.stand.tool(url, CUSTOMERS, {"limit": 1})[2]
        error = result["structuredContent"]["error"]
        self.assertEqual((error["code"], error["upstream"]["code"]),
                         ("needs_reauth", "invalid_client"))
        wait_until(lambda: self.volley(url, 1) == {"ok": 1}, "a call that finds it over")
        self.assertEqual(self.volley(url, 3), {"ok": 3})

    def test_no_token_and_no_key_is_in_the_log(self):
        account, url = self.stale_account()
        self.volley(url, 3)
        text = str(self.stand.events())
        self.assertNotIn("eyJ", text)
        self.assertNotIn("PRIVATE", text)


class TestOutage(TokenCase):
    def test_a_token_host_that_keeps_failing_is_left_alone(self):
        account, url = self.stale_account()
        self.token_fault("status", times=20, status=500)
        for _ in range(3):
            self.assertEqual(self.volley(url, 5), {"upstream_unavailable": 5})
        self.assertEqual(self.asked(), 5)
        error = self.stand.tool(url, CUSTOMERS, {"limit": 1})[2]["structuredContent"]["error"]
        self.assertIn("left alone", error["hint"])
        self.assertTrue(self.active(account))
        self.control("DELETE", "/faults")


if __name__ == "__main__":
    main()
