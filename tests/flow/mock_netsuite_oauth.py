# SPDX-License-Identifier: Apache-2.0
"""An OAuth 2.0 client for mock-netsuite: Python's standard library and the openssl command."""
import base64
import hashlib
import html.parser
import http.client
import json
import os
import secrets
import subprocess
import tempfile
import time
import urllib.parse

from mock_netsuite import Answer, Case

AUTHORIZE = "/app/login/oauth2/authorize.nl"
TOKEN = "/services/rest/auth/oauth2/v1/token"
REVOKE = "/services/rest/auth/oauth2/v1/revoke"
KEYS = "/services/rest/auth/oauth2/v1/keys"
CALLBACK = "https://app.example.com/oauth/callback"
FORM = "application/x-www-form-urlencoded"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

DEFAULTS = {"access_token_seconds": None, "refresh_token_seconds": None, "grant_seconds": None,
            "code_seconds": None, "company": None, "consent": "page", "expires_in_text": False}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def challenge_of(verifier):
    return b64url(hashlib.sha256(verifier.encode()).digest())


def openssl(*args, data=None):
    done = subprocess.run(("openssl",) + args, input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


class Forms(html.parser.HTMLParser):
    """What a browser finds on a page: texts by id, the form's fields, its buttons."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.fields, self.buttons, self.action, self.method = {}, {}, {}, None, None
        self.id = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.id = attrs.get("id", self.id)
        if tag == "form":
            self.action, self.method = attrs["action"], attrs["method"]
        elif tag == "input":
            self.fields[attrs["name"]] = attrs["value"]
        elif tag == "button":
            self.buttons[attrs["id"]] = {attrs["name"]: attrs["value"]}

    def handle_endtag(self, tag):
        self.id = None

    def handle_data(self, data):
        if self.id:
            self.texts[self.id] = self.texts.get(self.id, "") + data


class Key:
    """A private key with its certificate, made by openssl."""

    def __init__(self, folder, algorithm="rsa", size="3072", days="30"):
        name = os.path.join(folder, secrets.token_hex(4))
        self.key, self.cert = name + ".key", name + ".crt"
        kind = (["rsa:" + size] if algorithm == "rsa"
                else ["ec", "-pkeyopt", "ec_paramgen_curve:" + size])
        openssl("req", "-x509", "-nodes", "-newkey", *kind, "-keyout", self.key, "-out", self.cert,
                "-days", days, "-subj", "/CN=test")
        with open(self.cert, encoding="ascii") as file:
            self.pem = file.read()

    def sign(self, data, alg):
        digest = "-sha" + alg[2:]
        if alg.startswith("PS"):
            return openssl("dgst", digest, "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                           "rsa_pss_saltlen:%d" % (int(alg[2:]) // 8), "-sign", self.key, data=data)
        der = openssl("dgst", digest, "-sign", self.key, data=data)
        return der if alg.startswith("RS") else raw_signature(
            der, {"256": 32, "384": 48, "512": 66}[alg[2:]])


def raw_signature(der, half):
    """SEQUENCE of two INTEGERs to r and s side by side."""
    at = 2 if der[1] < 0x80 else 2 + (der[1] & 0x7f)
    numbers = []
    for _ in range(2):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2:at + 2 + length], "big"))
        at += 2 + length
    return b"".join(number.to_bytes(half, "big") for number in numbers)


def jwt(key, alg, claims, **header):
    header = {k: v for k, v in {"typ": "JWT", "alg": alg, **header}.items() if v is not None}
    head = b64url(json.dumps(header).encode()) + "." + b64url(json.dumps(claims).encode())
    return head + "." + b64url(key.sign(head.encode(), alg))


def claims_of(token):
    return json.loads(unb64url(token.split(".")[1]))


def verify_ps256(token, jwk):
    """Raises unless the key set's key signed the token."""
    def der(tag, body):
        size = len(body)
        length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
        return bytes([tag]) + length + body

    numbers = b"".join(der(2, b"\0" + unb64url(jwk[name])) for name in ("n", "e"))
    rsa = bytes.fromhex("300d06092a864886f70d0101010500")
    spki = der(0x30, rsa + der(3, b"\0" + der(0x30, numbers)))
    head, _, signature = token.rpartition(".")
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("key", spki), ("sig", unb64url(signature))):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        openssl("dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                "rsa_pss_saltlen:32", "-verify", os.path.join(folder, "key"), "-keyform", "DER",
                "-signature", os.path.join(folder, "sig"), data=head.encode())


class Client:
    """One integration record and what an application does with it."""

    def __init__(self, mock, **record):
        self.mock = mock
        record.setdefault("redirect_uris", [CALLBACK])
        status, said = mock.control("POST", "/integrations", record)
        if status != 200:
            raise RuntimeError(said)
        self.id, self.secret, self.public = said["client_id"], said.get("client_secret"), said["public"]

    def ask(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.mock.host, timeout=60)
        try:
            connection.request(method, target, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def authorize(self, host=None, **change):
        """The answer, the state and the verifier. None removes a parameter."""
        verifier = secrets.token_urlsafe(48)
        query = {"response_type": "code", "client_id": self.id, "redirect_uri": CALLBACK,
                 "scope": "rest_webservices restlets", "state": secrets.token_urlsafe(24),
                 "code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
        query.update(change)
        query = {k: v for k, v in query.items() if v is not None}
        answer = self.ask("GET", AUTHORIZE + "?" + urllib.parse.urlencode(query),
                          headers={"Host": host} if host else {})
        return answer, query.get("state"), verifier

    def press(self, page, button):
        form = Forms(page.body.decode())
        return self.ask(form.method.upper(), form.action,
                        urllib.parse.urlencode({**form.fields, **form.buttons[button]}),
                        {"Content-Type": FORM})

    def code(self, **change):
        """A code and its verifier, by pressing Allow where a page asks."""
        answer, state, verifier = self.authorize(**change)
        if answer.status == 200:
            answer = self.press(answer, "allow")
        back = self.back(answer)
        if back["state"] != state:
            raise AssertionError("another state")
        return back["code"], verifier

    @staticmethod
    def back(answer):
        if answer.status != 302:
            raise AssertionError("%d %s" % (answer.status, answer.body))
        query = urllib.parse.urlsplit(answer.headers["location"]).query
        return dict(urllib.parse.parse_qsl(query, strict_parsing=True))

    def basic(self, secret=None):
        pair = "%s:%s" % (self.id, self.secret or "" if secret is None else secret)
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def post(self, path, form, headers=None, auth=True, host=None):
        headers = {"Content-Type": FORM, **(headers or {}), **({"Host": host} if host else {})}
        if auth and self.public:
            form = {"client_id": self.id, **form}
        elif auth:
            headers.setdefault("Authorization", self.basic())
        return self.ask("POST", path, urllib.parse.urlencode(form), headers)

    def redeem(self, code, verifier, **change):
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
                "code_verifier": verifier, **change}
        return self.post(TOKEN, {k: v for k, v in form.items() if v is not None})

    def connect(self, **change):
        """The answer of the token endpoint to a new code."""
        return self.redeem(*self.code(**change)).json

    def refresh(self, token, **options):
        return self.post(TOKEN, {"grant_type": "refresh_token", "refresh_token": token}, **options)

    def revoke(self, token):
        return self.post(REVOKE, {"token": token})

    def get(self, token, target, host=None):
        return self.ask("GET", target, headers={"Authorization": "Bearer " + token,
                                                **({"Host": host} if host else {})})

    # The client credentials flow.

    def map(self, key, **more):
        return self.mock.control("POST", "/certificates", {
            "client_id": self.id, "certificate_pem": key.pem, **more})

    def claims(self, **change):
        now = int(time.time())
        claims = {"iss": self.id, "scope": ["rest_webservices", "restlets"],
                  "aud": "http://%s%s" % (self.mock.host, TOKEN), "iat": now, "exp": now + 3600}
        claims.update(change)
        return {k: v for k, v in claims.items() if v is not None}

    def assert_with(self, key, kid, alg, host=None, header=None, **change):
        return self.send_assertion(jwt(key, alg, self.claims(**change), kid=kid, **(header or {})),
                                   host)

    def send_assertion(self, assertion, host=None, headers=None, **form):
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION,
                "client_assertion": assertion, **form}
        return self.post(TOKEN, form, headers, auth=False, host=host)


class OAuthCase(Case):
    """Every test starts without grants, with NetSuite's own lifetimes."""

    def setUp(self):
        super().setUp()
        self.control("DELETE", "/grants")
        self.set(**DEFAULTS, token_ms=0)

    def control(self, method, path, body=None):
        status, said = self.mock.control(method, path, body)
        self.assertEqual(200, status, said)
        return said

    def set(self, token_ms=None, **settings):
        if token_ms is not None:
            self.control("PUT", "/latency", {"token_ms": token_ms})
        self.control("PUT", "/oauth2", settings)

    def pass_time(self, seconds):
        self.control("PUT", "/clock", {"skew_seconds": seconds})

    def audit(self):
        """Reasons that were counted, without how often."""
        return set(self.mock.stats()["auth_failures"])

    def refused(self, answer, error, reason=None):
        self.assertEqual((401 if error == "invalid_client" else 400, {"error": error}),
                         (answer.status, answer.json))
        if error == "invalid_client":
            self.assertEqual('Basic realm="%s"' % self.mock.who.account_id,
                             answer.headers["www-authenticate"])
        if reason:
            self.assertIn(reason, self.audit())
