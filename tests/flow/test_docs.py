# SPDX-License-Identifier: Apache-2.0
"""The pages under docs/ against the program: their commands are run, and their lists are whole.

Every ```sh block of the connect pages is run as it is written, in the order of the page. One thing
is changed: hosts of the real ERP cannot be called from a test, so the NetSuite connection is given
the mock's address as its base_urls. The secrets and addresses a page takes from the environment are
those of the mocks.
"""
import json
import os
import re
import subprocess
import unittest

from flow import BIN, ROOT, TODAY, Stand, main

PROGRAMS = os.path.join(ROOT, BIN)


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def pages():
    yield "README.md"
    yield os.path.join("mocks", "README.md")
    for folder in ("docs", os.path.join("docs", "decisions")):
        for name in sorted(os.listdir(os.path.join(ROOT, folder))):
            if name.endswith(".md"):
                yield os.path.join(folder, name)


def blocks(page, heading=None):
    """The ```sh blocks of a page, or of the section under one heading."""
    text = read(page)
    if heading is not None:
        text = re.split(r"^## ", text.split("\n## %s\n" % heading)[1], flags=re.M)[0]
    return re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)


class PageCase(unittest.TestCase):
    """A stand whose programs, address and token a page's commands find in their environment."""

    def setUp(self):
        self.stand = Stand(BIN)
        self.addCleanup(self.stand.stop)
        self.stand.start_mock("netsuite", "--today", TODAY)
        self.stand.start_mock("sap")
        self.stand.start_server()
        self.place = os.path.join(self.stand.scratch, "place")
        os.mkdir(self.place)
        self.env = dict(os.environ, PATH=PROGRAMS + os.pathsep + os.environ["PATH"],
                        SLUICE_URL=self.stand.base, SLUICE_TOKEN=self.stand.admin_token)

    def run_block(self, text, **env):
        done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", text], cwd=self.place,
                              env=dict(self.env, **env), capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 0, "%s\n%s%s" % (text, done.stdout, done.stderr))
        return done.stdout

    def run_page(self, page, heading, change=lambda text: text, **env):
        """One shell for all, so that variables last; the output of each block by itself."""
        mark = "-- block --"
        script = ("\necho '%s'\n" % mark).join(change(block) for block in blocks(page, heading))
        return self.run_block(script, **env).split(mark)


class TestConnectPages(PageCase):
    def netsuite_login(self):
        login = {"account_id": "1234567_SB1", "consumer_key": "ck", "consumer_secret": "cs",
                 "token_id": "ti", "token_secret": "ts"}
        reply = self.stand.control("netsuite", "POST", "/accounts", login)
        self.assertTrue(reply.get("ok"), reply)
        return {"NS_" + name.upper(): value for name, value in login.items()}

    def to_mock(self, text):
        url = self.stand.mocks["netsuite"]["url"]
        plain = '"connection": {"account_id": "1234567_SB1"}'
        return text.replace(plain, plain[:-1] + ', "base_urls": %s}' % json.dumps(
            {"suitetalk": url, "restlets": url, "app": url}))

    def test_netsuite_page(self):
        said = self.run_page("docs/connect-netsuite.md", "Here", self.to_mock,
                             **self.netsuite_login())
        self.assertEqual(len(said), len(blocks("docs/connect-netsuite.md", "Here")))
        account = json.loads(read(self.place, "account.json"))
        self.assertIs(account["verified"], True)
        self.assertEqual(account["lane"], "netsuite:1234567_SB1")
        self.assertEqual([a["id"] for a in json.loads(said[1])["data"]], [account["id"]])
        listed, called = parse_many(said[3])
        names = [tool["name"] for tool in listed["result"]["tools"]]
        self.assertIn("list_all_netsuite_customers", names)
        self.row(called)
        lane, changed = parse_many(said[4])
        self.assertEqual((lane["effective"], changed["governor"]["ceiling"]), (3, 4))
        self.assertIs(json.loads(said[5])["verified"], False)
        self.row(parse_many(said[6])[0])
        self.assertEqual(self.stand.admin("GET", "/integrated-account?tenant_id=acme")["data"], [])

    def row(self, answer):
        self.assertNotIn("isError", answer["result"])
        self.assertEqual(len(json.loads(answer["result"]["content"][0]["text"])["data"]), 1)

    def test_sap_page(self):
        mock = self.stand.mocks["sap"]
        said = self.run_page(
            "docs/connect-sap.md", "Here", SAP_URL=mock["url"], SAP_TOKEN_URL=mock["token_url"],
            SAP_CLIENT_ID=mock["client_id"], SAP_CLIENT_SECRET=mock["client_secret"],
            SAP_USER=mock["username"], SAP_PASSWORD=mock["password"])
        for name in ("account.json", "on-premise.json"):
            self.assertIs(json.loads(read(self.place, name))["verified"], True)
        listed, called = parse_many(said[3])
        names = [tool["name"] for tool in listed["result"]["tools"]]
        self.assertIn("create_a_sap_purchase_order", names)
        self.row(called)
        changed, called, lanes = parse_many(said[4])
        self.assertIs(changed["verified"], False)
        self.row(called)
        self.assertEqual(sorted(lane["effective"] for lane in lanes["data"]), [2, 6])

    def demo_beside(self):
        """What scripts/demo --serve leaves: build/demo.json, and the programs."""
        os.mkdir(os.path.join(self.place, "build"))
        os.symlink(PROGRAMS, os.path.join(self.place, "build", "bin"))
        sap = self.stand.connect_sap()
        state = {"base_url": self.stand.base, "admin_token": self.stand.admin_token,
                 "accounts": {"sap": {"mcp_url": self.stand.mint(sap["id"])["url"]}},
                 "mocks": self.stand.mocks}
        with open(os.path.join(self.place, "build", "demo.json"), "w") as file:
            json.dump(state, file)

    def test_the_trials_without_an_erp(self):
        self.demo_beside()
        self.env.pop("SLUICE_URL")
        self.env.pop("SLUICE_TOKEN")
        said = self.run_page("docs/connect-netsuite.md",
                             "Trying this page without a NetSuite account")
        added, account = parse_many(said[0])
        self.assertIs(added["ok"], True)
        self.assertIs(account["verified"], True)
        said = self.run_page("docs/connect-sap.md", "Trying this page without an SAP system")
        text = json.loads(said[0])["result"]["content"][0]["text"]
        self.assertEqual(len(json.loads(text)["data"]), 2)


def parse_many(text):
    """The JSON texts that follow each other in an output."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return found
        value, at = decoder.raw_decode(text, at)
        found.append(value)


class TestInstalling(PageCase):
    def test_the_program_finds_its_catalogs_where_the_page_puts_them(self):
        built = os.path.join(self.place, "build")
        os.mkdir(built)
        for name, source in (("bin", PROGRAMS), ("share", os.path.join(PROGRAMS, "..", "share"))):
            os.symlink(os.path.realpath(source), os.path.join(built, name))
        page = os.path.join("docs", "operations.md")
        block = [one for one in blocks(page) if "PREFIX" in one]
        self.assertEqual(len(block), 1)
        prefix = os.path.join(self.stand.scratch, "prefix")
        said = self.run_block(block[0], PREFIX=prefix)
        self.assertIn("netsuite: ", said)
        self.assertIn("sap: ", said)
        self.assertFalse(os.path.islink(os.path.join(prefix, "share", "sluice", "catalog")))


class TestErrorsThatThePagesName(PageCase):
    def refused(self, status, **changes):
        body = self.stand.netsuite_account()
        for name, value in changes.items():
            body[name] = dict(body[name], **value)
        answered, reply = self.stand.api("POST", "/integrated-account", body)
        self.assertEqual(answered, status, reply)
        return reply["error"]

    def test_a_wrong_value_is_named_where_it_was_sent(self):
        error = self.refused(422, connection={"account_id": "no id!"})
        self.assertEqual(error["details"][0]["pointer"], "/connection/account_id")
        error = self.refused(422, auth={"scheme": "nlauth"})
        self.assertEqual(error["details"][0]["pointer"], "/auth/scheme")
        body = self.stand.sap_account()
        body["connection"]["route"] = "tunnel"
        _, reply = self.stand.api("POST", "/integrated-account", body)
        self.assertEqual(reply["error"]["details"][0]["pointer"], "/connection/route")
        body["connection"]["route"] = "destination"
        _, reply = self.stand.api("POST", "/integrated-account", body)
        self.assertEqual(reply["error"]["details"][0]["pointer"], "/auth/scheme")

    def test_a_dead_address_says_what_failed_here_and_in_the_log(self):
        nowhere = {"base_urls": {"suitetalk": "http://127.0.0.1:1"}}
        error = self.refused(422, connection=nowhere)
        self.assertIn("The ERP did not answer", error["message"])
        self.assertIn("No connection could be made", error["hint"])
        failed = [e for e in self.stand.events() if e["event"] == "upstream_failed"]
        self.assertEqual([e["cause"] for e in failed], ["connect"])

    def test_a_private_address_names_the_option(self):
        private = {"base_urls": {"suitetalk": "https://10.0.0.1"}}
        error = self.refused(403, connection=private)
        self.assertEqual(error["code"], "policy_denied")
        self.assertIn("net.allow_cidrs", error["hint"])


class TestAuditOfTheManagementApi(PageCase):
    def test_a_line_names_who_did_what_to_which_thing(self):
        account = self.stand.connect_netsuite()
        server = self.stand.mint(account["id"])
        token = self.stand.admin("POST", "/api-token", {"name": "t", "role": "admin"})
        self.stand.admin("PATCH", "/tenant/demo", {"governor": {"ceiling": 3}})
        self.stand.admin("DELETE", "/api-token/" + token["id"])
        self.stand.admin("DELETE", "/integrated-account/" + account["id"])
        lines = [e for e in self.stand.events() if e["event"] == "admin_call"]
        named = [(e["route"], e.get("account"), e["mcp_server"], e.get("subject"))
                 for e in lines]
        self.assertEqual(named, [
            ("create_account", account["id"], "?", None),
            ("create_server", account["id"], server["id"], None),
            ("create_token", None, "?", token["id"]),
            ("patch_tenant", None, "?", "demo"),
            ("delete_token", None, "?", token["id"]),
            ("delete_account", account["id"], "?", None)])
        self.assertEqual(len({e["token_id"] for e in lines}), 1)


class TestLists(unittest.TestCase):
    def test_every_link_leads_to_a_file(self):
        for page in pages():
            folder = os.path.dirname(os.path.join(ROOT, page))
            for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(page)):
                if "://" not in link:
                    self.assertTrue(os.path.exists(os.path.join(folder, link)), (page, link))

    def test_the_readme_leads_to_every_page(self):
        text = read("README.md")
        for name in os.listdir(os.path.join(ROOT, "docs")):
            if name.endswith(".md"):
                self.assertIn("(docs/%s)" % name, text)


    def test_the_table_of_options_is_the_programs(self):
        tool = os.path.join(ROOT, "scripts", "lib", "configuration_page.py")
        done = subprocess.run([tool, "--check", "--bin", BIN], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(read("docs/configuration.md").count("\n| `"), 15)

    def test_every_limit_is_listed_with_its_value(self):
        limits = dict(re.findall(r"^#define (LIMIT_\w+) (\([^)]*\)|\d+)", read("base/limits.h"),
                                 re.M))
        rows = re.findall(r"^\| .* \| (\d+)[^|]*\|[^|]*\| `(LIMIT_\w+)` \|$",
                          read("docs/operations.md"), re.M)
        told = {name: int(value) for value, name in rows}
        there = {name: product(text) for name, text in limits.items()}
        differ = {name for name in told.keys() | there.keys() if told.get(name) != there.get(name)}
        self.assertEqual(differ, set(), "docs/operations.md, Limits, has other values or rows")

    def test_every_route_of_the_management_api_is_listed(self):
        routes = re.findall(r'\{"\w+", "([A-Z]+)", "(/[^"]*)"', read("core/admin.c"))
        routes = [(method, path.replace("{scheme}", "{}")) for method, path in routes]
        self.assertGreater(len(routes), 15)
        text = read("docs/api.md")
        rows = re.findall(r"^\| (`[^|]*`) \|", text, re.M)
        told = {(method, path) for row in rows for method, path in spoken(row)}
        self.assertEqual({r for r in routes if r not in told}, set())
        self.assertEqual({r for r in told if r not in routes}, set())

    def test_every_error_code_of_a_tool_is_listed(self):
        codes = re.findall(r'^  X\(\w+, +"(\w+)"', read("base/error.h"), re.M)
        text = read("docs/api.md")
        for code in codes[:14]:
            self.assertRegex(text, r"(?m)^\|[^|]*`%s`" % code)

    def test_every_command_is_in_a_page(self):
        said = subprocess.run([os.path.join(PROGRAMS, "sluice"), "--help"], capture_output=True,
                              text=True, timeout=60, check=True).stdout
        names = re.findall(r"^  (\w+)  ", said, re.M)
        self.assertGreater(len(names), 8)
        text = "".join(read(page) for page in pages())
        self.assertEqual([n for n in names if "sluice " + n not in text], [])


def product(text):
    value = 1
    for number in re.findall(r"\d+", text):
        value *= int(number)
    return value


def spoken(row):
    """(method, path) of each call that a row of the table names: `GET`, `PATCH /a/{id}`."""
    methods = []
    for piece in re.findall(r"`([^`]*)`", row):
        for word in re.split(r"[ ,]+", piece):
            if word.isupper():
                methods.append(word)
            elif word.startswith((".", "/")):
                path = word.replace("...", "/integrated-account/{}")
                path = re.sub(r"\{[^}]*\}", "{}", path)
                for method in methods:
                    yield method, path
                methods = []


if __name__ == "__main__":
    main()
