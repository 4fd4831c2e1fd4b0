# SPDX-License-Identifier: Apache-2.0
"""A person at the connect pages, without a browser: cookies, links, forms. Standard library only."""
import html.parser
import http.client
import os
import urllib.parse

from flow import FlowCase

CLIENT = "connect-client-of-the-operator"
SECRET = "connect-secret-of-the-operator"
FORM = "application/x-www-form-urlencoded"
RETURN = "https://desk.example.com/done?case=7"


class Page(html.parser.HTMLParser):
    """A page as a person takes it: texts and links by id, the form's fields."""

    def __init__(self, status, fields, body, url):
        super().__init__()
        self.status, self.headers, self.body, self.url = status, fields, body.decode(), url
        self.texts, self.links, self.fields, self.types = {}, {}, {}, {}
        self.buttons, self.options, self.described = {}, {}, {}
        self.action = None
        self.open, self.select, self.area = [], None, None
        self.text = ""
        if fields.get("content-type", "").startswith("text/html"):
            self.feed(self.body)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in ("meta", "link", "input"):
            self.open.append((tag, attrs.get("id")))
        if tag == "a" and "id" in attrs:
            self.links[attrs["id"]] = attrs["href"]
        if tag == "form":
            self.action = attrs["action"]
        if tag in ("input", "select", "textarea"):
            if attrs.get("type") != "checkbox" or "checked" in attrs:
                self.fields[attrs["name"]] = attrs.get("value", "")
            self.types[attrs["name"]] = attrs.get("type", tag)
            self.described[attrs["name"]] = attrs
        if tag == "select":
            self.select = attrs["name"]
            self.options[self.select] = []
        if tag == "option":
            self.options[self.select].append(attrs["value"])
            if "selected" in attrs or not self.fields[self.select]:
                self.fields[self.select] = attrs["value"]
        if tag == "button" and "id" in attrs:
            self.buttons[attrs["id"]] = {attrs["name"]: attrs["value"]} if "name" in attrs else {}

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.text += data
        for _, one in self.open:
            if one:
                self.texts[one] = self.texts.get(one, "") + data


class Browser:
    """Keeps cookies per site; follows nothing by itself."""

    def __init__(self, server):
        self.server = server
        self.cookies = {}
        self.seen = []

    def ask(self, method, url, body=None, headers=None):
        split = urllib.parse.urlsplit(url)
        fields = dict(headers or {})
        jar = self.cookies.get(split.netloc, {})
        if jar:
            fields["Cookie"] = "; ".join("%s=%s" % pair for pair in jar.items())
        connection = self.dial(split)
        try:
            target = split.path + ("?" + split.query if split.query else "")
            connection.request(method, target, body, fields)
            reply = connection.getresponse()
            named = {k.lower(): v for k, v in reply.getheaders()}
            page = Page(reply.status, named, reply.read(), url)
        finally:
            connection.close()
        if "set-cookie" in named:
            name, value = named["set-cookie"].split(";")[0].split("=")
            self.cookies.setdefault(split.netloc, {})[name] = value
        self.seen.append(page)
        return page

    def dial(self, split):
        return http.client.HTTPConnection(split.netloc, timeout=60)

    def get(self, url):
        return self.ask("GET", url)

    def post(self, page, button=None, **typed):
        fields = dict(page.fields)
        fields.update({name.replace("__", "."): value for name, value in typed.items()})
        fields.update(page.buttons.get(button, {}))
        return self.ask("POST", urllib.parse.urljoin(page.url, page.action),
                        urllib.parse.urlencode(fields), {"Content-Type": FORM})

    def begin(self, link):
        """Opens a link and presses the button of its first page."""
        page = self.get(link)
        return self.follow(self.post(page, "begin")) if "begin" in page.buttons else page

    def follow(self, page):
        return self.get(urllib.parse.urljoin(page.url, page.headers["location"]))

    def click(self, page, link):
        return self.get(urllib.parse.urljoin(page.url, page.links[link]))


class Links:
    """For a class with a `stand`: links that people are sent."""

    def session(self, **more):
        """(session, its link)."""
        body = {"tenant_id": "demo", "integration": "netsuite", "return_url": RETURN, **more}
        made = self.stand.admin("POST", "/connect-session", body)
        return made["id"], made["url"]

    def state(self, session):
        return self.stand.admin("GET", "/connect-session/" + session)


class ConnectCase(Links, FlowCase):
    """A server with the operator's client at a mock NetSuite."""

    mocks = ()
    public = False

    @classmethod
    def furnish(cls):
        mock = cls.stand.start_mock("netsuite", "--today", "2026-11-20")
        urls = ",".join("%s=%s" % (name, mock["url"]) for name in ("suitetalk", "restlets"))
        urls += ",app=" + cls.app_url(mock)
        cls.stand.extra_flags += ["--connect.netsuite.client_id", CLIENT,
                                  "--connect.netsuite.base_urls", urls]
        if not cls.public:
            path = os.path.join(cls.stand.scratch, "client-secret")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(SECRET + "\n")
            cls.stand.extra_flags += ["--connect.netsuite.client_secret_file", path]

    @classmethod
    def app_url(cls, mock):
        """Where people log in."""
        return mock["url"]

    @classmethod
    def prepare(cls):
        cls.account_id = cls.stand.mocks["netsuite"]["account_id"]
        record = {"client_id": CLIENT, "public": cls.public, "account_id": cls.account_id,
                  "redirect_uris": [cls.stand.base + "/connect/callback"], "allow_http": True,
                  "name": "sluice"}
        if not cls.public:
            record["client_secret"] = SECRET
        said = cls.stand.control("netsuite", "POST", "/integrations", record)
        assert said.get("client_id") == CLIENT, said

    def setUp(self):
        self.oauth2(company=None, consent="page")
        self.stand.control("netsuite", "DELETE", "/faults")

    def oauth2(self, **settings):
        self.stand.control("netsuite", "PUT", "/oauth2", settings)

    def to_erp(self, browser, link, account=None):
        """The page that sends the browser to the ERP."""
        page = browser.begin(link)
        self.assertEqual(200, page.status, page.text)
        page = browser.click(page, "way-netsuite_oauth2")
        typed = {"connection__account_id": account or self.account_id}
        if "connection.account_id" not in page.fields:
            typed = {}
        page = browser.post(page, **typed)
        self.assertEqual(200, page.status, page.text)
        return page

    def back(self, browser, page, button="allow"):
        """The callback's address, after a button of the consent page."""
        consent = browser.click(page, "erp")
        self.assertEqual(200, consent.status, consent.text)
        answer = browser.post(consent, button)
        self.assertEqual(302, answer.status)
        return answer.headers["location"]

    def consent(self, browser, link, button="allow"):
        """The page a person sees at the end."""
        callback = self.back(browser, self.to_erp(browser, link), button)
        answer = browser.get(callback)
        self.assertEqual(303, answer.status, answer.text)
        return browser.follow(answer)

    def accounts(self):
        return [one["id"] for one in
                self.stand.admin("GET", "/integrated-account?limit=200")["data"]]

    def returned(self, page):
        """The parameters behind return_url."""
        url = page.links["return"]
        self.assertTrue(url.startswith(RETURN + "&"), url)
        return dict(urllib.parse.parse_qsl(url[len(RETURN) + 1:], strict_parsing=True))
