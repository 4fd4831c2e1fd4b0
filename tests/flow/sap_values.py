# SPDX-License-Identifier: Apache-2.0
"""What a person would paste into each form to connect mock-sap, by the names of the fields."""


class SapValues:
    """For a class with `mock`, what mock-sap says of itself."""

    @staticmethod
    def login(values):
        """Without the connection: of an account that has one."""
        return {name: value for name, value in values.items() if name.startswith("auth.")}

    def direct(self):
        return {"connection.route": "direct", "connection.base_url": self.mock["url"]}

    def user(self):
        return {"connection.route": "on_premise", "connection.base_url": self.mock["url"],
                "connection.sap_client": self.mock["client"],
                "auth.username": self.mock["username"], "auth.password": self.mock["password"]}

    def xsuaa(self):
        return {**self.direct(), "auth.token_url": self.mock["token_url"],
                "auth.client_id": self.mock["client_id"],
                "auth.client_secret": self.mock["client_secret"]}

    def certificate(self, one):
        return {**self.direct(), "auth.token_url": self.mock["mtls_token_url"],
                "auth.client_id": self.mock["client_id"],
                "auth.certificate_pem": one.certificate, "auth.private_key_pem": one.key}

    def user_certificate(self, one):
        """At the ERP itself, by its port with TLS."""
        return {"connection.route": "direct",
                "connection.base_url": self.mock["mtls_token_url"][:-len("/oauth/token")],
                "auth.certificate_pem": one.certificate, "auth.private_key_pem": one.key}

    def ias(self):
        ias = self.mock["ias"]
        return {**self.direct(), "auth.token_url": ias["token_url"],
                "auth.client_id": ias["client_id"], "auth.client_secret": ias["client_secret"],
                "auth.app_tid": ias["app_tid"],
                "auth.resource": "urn:sap:identity:application:provider:name:" + ias["provider"]}

    def api_key(self, btp):
        """Of the API proxy in front, which asks for the user behind it too."""
        return {"connection.base_url": btp.url + "/gateway",
                "connection.api_key_header": "X-Gateway-Key",
                "connection.sap_client": self.mock["client"],
                "auth.api_key": "k3y-of-the-gateway", "auth.username": self.mock["username"],
                "auth.password": self.mock["password"]}

    def client(self, name, prefix="auth."):
        binding = self.mock[name]
        return {prefix + "token_url": self.mock["token_url"],
                prefix + "client_id": binding["client_id"],
                prefix + "client_secret": binding["client_secret"]}

    def proxy(self):
        at = self.mock["connectivity"]
        return "http://%s:%s" % (at["onpremise_proxy_host"], at["onpremise_proxy_http_port"])

    def destination(self, name):
        return {"connection.base_url": self.mock["url"], **self.client("destination"),
                "auth.service_url": self.mock["destination"]["uri"], "auth.destination": name}

    def destination_behind_proxy(self):
        return {**self.destination("S4_ON_PREMISE"),
                "connection.base_url": "http://" + self.mock["connectivity"]["virtual_host"],
                "auth.proxy_url": self.proxy(),
                **self.client("connectivity", "auth.connectivity_")}

    def connectivity(self):
        return {"connection.base_url": "http://" + self.mock["connectivity"]["virtual_host"],
                "connection.sap_client": self.mock["client"], "connection.location_id": "berlin",
                **self.client("connectivity"), "auth.proxy_url": self.proxy(),
                "auth.username": self.mock["username"], "auth.password": self.mock["password"]}
