# SPDX-License-Identifier: Apache-2.0
"""What of SAP BTP stands between a client and an SAP system, for tests: a token host that takes a
secret or a certificate, the destination service, the connectivity proxy with a Cloud Connector
behind it, and an API proxy. Strict about what a request has to have; what is refused and how can be
set. Every token for the system itself is fetched from mock-sap. Standard library only.
"""
import base64
import http.client
import http.server
import json
import os
import secrets
import ssl
import subprocess
import threading
import urllib.parse

from tap import Authority

CLIENT = "sb-client!t1"
SECRET = "it|is=a$ecret+really"
HOP = ("host", "connection", "content-length", "proxy-authorization",
       "sap-connectivity-scc-location_id", "apikey", "x-gateway-key")


class ClientCertificate:
    def __init__(self, folder, name, days=30):
        key, certificate = (os.path.join(folder, name + end) for end in (".key", ".pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
                        certificate, "-days", str(days), "-subj", "/CN=" + name],
                       check=True, capture_output=True)
        self.name = name
        self.path = certificate
        with open(certificate, encoding="ascii") as file:
            self.certificate = file.read()
        with open(key, encoding="ascii") as file:
            self.key = file.read()


class Btp:
    """Two ports until stop(): `url` without TLS, `tls_url` with."""

    def __init__(self, mock, folder, certificates=(), authority=None, secret=SECRET):
        self.mock = mock
        self.secret = secret
        self.lock = threading.Lock()
        self.reset()
        self.welcome = {one.name for one in certificates}
        self.authority = authority or Authority(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.certificate, self.authority.key)
        context.verify_mode = ssl.CERT_OPTIONAL
        for one in certificates:
            context.load_verify_locations(one.path)
        self.servers = [self.listen(None), self.listen(context)]
        self.url, self.tls_url = ("http%s://127.0.0.1:%d" % (end, server.server_address[1])
                                  for end, server in zip(("", "s"), self.servers))

    def reset(self):
        self.forms = []        # of token requests that were granted or not
        self.proxied = []      # (request line's URL, headers) that reached the proxy
        self.keyed = []        # (path, headers) that reached the API proxy
        self.lookups = []      # (path, headers) that reached the destination service
        self.tokens = set()    # living ones for BTP's own services
        self.destinations = {}
        self.proxy_says = []   # (status, type, body) instead of passing on, one after another
        self.always = None     # the same, for good
        self.token_says = None
        self.life = 3600
        self.numbers = 0

    def listen(self, context):
        btp = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                certificate = self.connection.getpeercert() if context else None
                status, kind, answer, fields = btp.answer(self.command, self.path, self.headers,
                                                          body, certificate)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                for name, value in fields:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = handle_one

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True,
                                                do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    # ---- What it says ----

    def answer(self, method, path, headers, body, certificate):
        split = urllib.parse.urlsplit(path)
        if split.scheme:
            return self.proxy(method, path, headers, body)
        if split.path.startswith(("/gateway/", "/sap/")):
            return self.gateway(method, path, headers, body)
        if split.path in ("/oauth/token", "/oauth2/token", "/erp/token"):
            return self.token(split.path, body.decode(), certificate)
        if split.path.startswith("/destination-configuration/v1/destinations/"):
            return self.destination(path, headers)
        return self.plain(404, {"error": "nothing here"})

    @staticmethod
    def plain(status, value, kind="application/json", fields=()):
        text = value if isinstance(value, str) else json.dumps(value)
        return status, kind, text.encode(), fields

    def token(self, path, form, certificate):
        fields = dict(urllib.parse.parse_qsl(form, strict_parsing=True))
        name = ""
        for part in (certificate or {}).get("subject", ()):
            name = dict(part).get("commonName", name)
        with self.lock:
            self.forms.append(dict(fields, seen_as=name))
            says = self.token_says
            self.numbers += 1
            number = self.numbers
        if says is not None:
            return self.plain(*says)
        knows = (name in self.welcome and "client_secret" not in fields
                 if name else fields.get("client_secret") == self.secret)
        if fields.get("grant_type") != "client_credentials" or \
                fields.get("client_id") != CLIENT or not knows:
            return self.plain(401, {"error": "invalid_client",
                                    "error_description": "Bad credentials"})
        if path == "/oauth/token":  # for BTP's own services
            token = "eyJ0.btp-%d.%s" % (number, secrets.token_urlsafe(30))
            with self.lock:
                self.tokens.add(token)
        else:
            token = self.system_token()
        return self.plain(200, {"access_token": token, "token_type": "bearer",
                                "expires_in": self.life, "scope": "x", "jti": "y"})

    def system_token(self):
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "client_id": self.mock["client_id"],
            "client_secret": self.mock["client_secret"]})
        url = urllib.parse.urlsplit(self.mock["token_url"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        connection.request("POST", url.path, form,
                           {"Content-Type": "application/x-www-form-urlencoded"})
        reply = json.loads(connection.getresponse().read())
        connection.close()
        return reply["access_token"]

    def knows_bearer(self, value):
        kind, _, token = (value or "").partition(" ")
        with self.lock:
            return kind == "Bearer" and token in self.tokens

    def destination(self, path, headers):
        with self.lock:
            self.lookups.append((path, headers))
        if not self.knows_bearer(headers.get("Authorization")):
            return self.plain(401, {"ErrorMessage": "Unauthorized"})
        name = urllib.parse.unquote(path.rsplit("/", 1)[1])
        with self.lock:
            found = self.destinations.get(name)
        if found is None:
            return self.plain(404, {"ErrorMessage": "Configuration with the specified name was "
                                                    "not found"})
        return self.plain(200, found() if callable(found) else found)

    def proxy(self, method, url, headers, body):
        with self.lock:
            self.proxied.append((url, headers))
            says = self.proxy_says.pop(0) if self.proxy_says else self.always
        if says is not None:
            return self.plain(says[0], says[2], says[1])
        if not self.knows_bearer(headers.get("Proxy-Authorization")):
            return self.plain(407, "", "text/plain", [("Proxy-Authenticate", "Bearer")])
        split = urllib.parse.urlsplit(url)
        if split.hostname != "s4.virtual":
            return self.plain(403, "Access denied to system %s. In case this was a valid request, "
                                   "ensure to expose the system correctly in your SAP Cloud "
                                   "Connector." % split.netloc, "text/plain")
        return self.pass_on(method, url[len("http://") + len(split.netloc):], headers, body)

    def gateway(self, method, path, headers, body):
        with self.lock:
            self.keyed.append((path, headers))
        if headers.get("X-Gateway-Key") != "k3y-of-the-gateway":
            return self.plain(401, {"fault": {
                "faultstring": "Invalid ApiKey",
                "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}})
        return self.pass_on(method, path.removeprefix("/gateway"), headers, body)

    def pass_on(self, method, path, headers, body):
        mock = urllib.parse.urlsplit(self.mock["url"])
        connection = http.client.HTTPConnection(mock.hostname, mock.port, timeout=60)
        fields = {k: v for k, v in headers.items() if k.lower() not in HOP}
        connection.request(method, path, body or None, fields)
        reply = connection.getresponse()
        raw = reply.read()
        connection.close()
        kept = [(k, v) for k, v in reply.getheaders()
                if k.lower() not in ("content-length", "content-type", "connection", "date",
                                     "server", "transfer-encoding")]
        return reply.status, reply.getheader("Content-Type") or "text/plain", raw, kept


def basic(username, password):
    return "Basic " + base64.b64encode(("%s:%s" % (username, password)).encode()).decode()
