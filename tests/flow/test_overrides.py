# SPDX-License-Identifier: Apache-2.0
"""Overrides: platform < environment < account, merged, shown by tools/list, held by the argument
check, refused with a pointer when they come to no tool, and re-made when the files change."""
import json
import os
import shutil
import threading
import urllib.parse

from flow import LEGACY, FlowCase, main, wait_until

CUSTOMERS = "list_all_netsuite_customers"
CUSTOMER = "get_single_netsuite_customer_by_id"
INVOICES = "list_all_netsuite_invoices"
SAP_VENDORS = "list_all_sap_vendors"


def on_tool(name, **parts):
    return {"tools": {name: parts}}


class OverrideCase(FlowCase):
    @classmethod
    def furnish(cls):
        cls.copy_catalogs()

    @classmethod
    def prepare(cls):
        cls.plain, cls.plain_url = cls.account()

    @classmethod
    def account(cls, environment=None, overrides=None):
        body = cls.stand.netsuite_account()
        if environment is not None:
            body["environment"] = environment
        if overrides is not None:
            body["overrides"] = overrides
        account = cls.stand.admin("POST", "/integrated-account", body)
        return account, cls.stand.mint(account["id"])["url"]

    def put(self, environment, overrides):
        return self.stand.admin("PUT", "/environment/%s/overrides" % environment, overrides)

    def patch(self, account, overrides):
        return self.stand.admin("PATCH", "/integrated-account/" + account["id"],
                                {"overrides": overrides})

    def tools(self, url):
        _, _, reply = self.stand.rpc(url, "tools/list")
        return {tool["name"]: tool for tool in reply["result"]["tools"]}

    def instructions(self, url):
        return self.stand.rpc(url, "server/discover")[2]["result"]["instructions"]

    def call(self, url, arguments, name=CUSTOMERS):
        return self.stand.tool(url, name, arguments)[2]


class TestMerging(OverrideCase):
    def test_an_account_over_its_environment_over_the_platform(self):
        platform = self.tools(self.plain_url)
        account, url = self.account("prod")
        self.assertEqual(self.tools(url), platform)
        self.put("prod", {"instructions": {"netsuite": "Ask before you write."},
                          "tools": {CUSTOMERS: {"description": "Of the environment.",
                                                "instructions": "Say please."},
                                    INVOICES: {"instructions": "Invoices of prod."}}})
        seen = self.tools(url)
        self.assertEqual(seen[CUSTOMERS]["description"], "Of the environment.\n\nSay please.")
        self.assertEqual(seen[INVOICES]["description"],
                         platform[INVOICES]["description"] + "\n\nInvoices of prod.")
        self.assertEqual(seen[INVOICES]["inputSchema"], platform[INVOICES]["inputSchema"])
        self.assertEqual(self.instructions(url),
                         self.instructions(self.plain_url) + "\n\nAsk before you write.")
        self.patch(account, {"instructions": {"netsuite": None},
                             "tools": {CUSTOMERS: {"description": "Of the account."},
                                       INVOICES: {"instructions": None}}})
        seen = self.tools(url)
        self.assertEqual(seen[CUSTOMERS]["description"], "Of the account.\n\nSay please.")
        self.assertEqual(seen[INVOICES], platform[INVOICES])
        self.assertEqual(self.instructions(url), self.instructions(self.plain_url))
        self.assertEqual({k: v for k, v in seen.items() if k not in (CUSTOMERS, INVOICES)},
                         {k: v for k, v in platform.items() if k not in (CUSTOMERS, INVOICES)})
        self.assertEqual(self.tools(self.plain_url), platform)
        self.patch(account, None)
        self.assertEqual(self.tools(url)[CUSTOMERS]["description"],
                         "Of the environment.\n\nSay please.")
        self.put("prod", {})
        self.assertEqual(self.tools(url), platform)

    def test_a_schema_is_shown_and_held(self):
        schema = {"properties": {"currency": {"enum": ["EUR"], "description": "Euro only."},
                                 "email": None}, "required": ["currency"]}
        account, url = self.account(overrides=on_tool(CUSTOMERS, schema=schema))
        self.assertEqual(account["overrides"], on_tool(CUSTOMERS, schema=schema))
        shown = self.tools(url)[CUSTOMERS]["inputSchema"]
        before = self.tools(self.plain_url)[CUSTOMERS]["inputSchema"]
        self.assertEqual(shown["required"], ["currency"])
        self.assertEqual(shown["properties"]["currency"]["enum"], ["EUR"])
        self.assertNotIn("email", shown["properties"])
        self.assertEqual(shown["properties"]["name"], before["properties"]["name"])
        self.assertIs(shown["additionalProperties"], False)
        self.data(self.call(url, {"currency": "EUR", "limit": 1}))
        for arguments, pointer in (({"currency": "USD"}, "/currency"), ({}, "/currency"),
                                   ({"currency": "EUR", "email": "a@b.example"}, "/email")):
            error = self.error(self.call(url, arguments))
            self.assertEqual(error["code"], "invalid_arguments")
            self.assertEqual(error["details"][0]["pointer"], pointer)
        self.data(self.call(self.plain_url, {"limit": 1}))

    def test_what_an_override_opens_the_platform_still_closes(self):
        """An override narrows: connectors rely on what the platform's schema lets through."""
        _, url = self.account(overrides=on_tool(CUSTOMER, schema={
            "properties": {"id": {"type": "string", "minLength": 0, "maxLength": 500}}}))
        self.assertEqual(self.tools(url)[CUSTOMER]["inputSchema"]["properties"]["id"]["maxLength"],
                         500)
        error = self.error(self.call(url, {"id": "1" * 400}, CUSTOMER))
        self.assertEqual((error["code"], error["details"][0]["pointer"]),
                         ("invalid_arguments", "/id"))
        self.assertEqual(self.error(self.call(url, {"id": "1" * 501}, CUSTOMER))["code"],
                         "invalid_arguments")

    def test_pages_and_cursors_go_on(self):
        _, url = self.account(overrides=on_tool(CUSTOMERS, description="Customers."))
        result = self.call(url, {"limit": 2})
        cursor = result["structuredContent"]["pagination"]["next_cursor"]
        again = self.call(url, {"limit": 2, "next_cursor": cursor})
        self.assertNotEqual(self.data(result)[0]["id"], self.data(again)[0]["id"])

    def test_filters_see_the_same_tools(self):
        account, _ = self.account(overrides=on_tool(CUSTOMERS, instructions="x" * 4000))
        server = self.stand.mint(account["id"], {"tools": [CUSTOMERS]})
        plain = self.stand.mint(self.plain["id"], {"tools": [CUSTOMERS]})
        self.assertEqual(list(self.tools(server["url"])), [CUSTOMERS])
        self.assertGreaterEqual(server["token_estimate"], plain["token_estimate"] + 1000)

    def test_a_restart_keeps_them(self):
        account, url = self.account("kept", on_tool(CUSTOMERS, instructions="Mine."))
        self.put("kept", on_tool(CUSTOMERS, description="Theirs."))
        before = self.tools(url)
        self.assertEqual(self.stand.end("server"), 0)
        self.stand.port = urllib.parse.urlsplit(self.stand.base).port
        self.stand.start_server()
        self.assertEqual(self.tools(url), before)
        self.assertEqual(before[CUSTOMERS]["description"], "Theirs.\n\nMine.")

    def test_both_eras(self):
        _, url = self.account(overrides={"instructions": {"netsuite": "Hear."},
                                         **on_tool(CUSTOMERS, description="Old and new.")})
        params = {"protocolVersion": LEGACY, "capabilities": {},
                  "clientInfo": {"name": "t", "version": "1"}}
        reply = self.stand.rpc(url, "initialize", params, era="legacy")[2]
        self.assertTrue(reply["result"]["instructions"].endswith("\n\nHear."))
        reply = self.stand.rpc(url, "tools/list", era="legacy")[2]
        named = {tool["name"]: tool for tool in reply["result"]["tools"]}
        self.assertEqual(named[CUSTOMERS]["description"], "Old and new.")


class TestApi(OverrideCase):
    def test_environments_are_kept_and_listed(self):
        empty = self.stand.admin("GET", "/environment/never/overrides")
        self.assertEqual(empty, {"environment": "never", "reauth_url": None, "overrides": {},
                                 "updated_at": None})
        layer = on_tool(SAP_VENDORS, description="SAP's.")
        layer["tools"][CUSTOMERS] = {"description": "NetSuite's."}
        put = self.put("both", layer)
        self.assertEqual(put["overrides"], layer)
        self.assertEqual(self.stand.admin("GET", "/environment/both/overrides"), put)
        listed = self.stand.admin("GET", "/environment")["data"]
        self.assertEqual([one["environment"] for one in listed], ["both"])
        self.put("both", {})
        self.assertEqual(self.stand.admin("GET", "/environment")["data"], [])

    def test_many_environments_are_listed_in_pages(self):
        names = ["one", "three", "two"]
        for name in names:
            self.put(name, on_tool(CUSTOMERS, description=name))
            self.addCleanup(self.put, name, {})
        seen, query = [], "?limit=1"
        while query is not None:
            page = self.stand.admin("GET", "/environment" + query)
            seen += [one["environment"] for one in page["data"]]
            after = page.get("next_cursor")
            query = None if after is None else "?limit=1&cursor=" + after
        self.assertEqual(seen, names)
        self.assertEqual(self.stand.api("GET", "/environment?limit=0")[0], 422)
        self.assertEqual(self.stand.api("GET", "/environment/%s/overrides" % ("x" * 49))[0], 404)

    def test_only_an_admin_sets_an_environment(self):
        for role in ("tenant", "call"):
            token = self.stand.admin("POST", "/api-token", {"name": role, "role": role,
                                                            "tenant_id": "demo"})["token"]
            for method, body in (("PUT", {}), ("GET", None)):
                self.assertEqual(self.stand.api(method, "/environment/prod/overrides", body,
                                                token=token)[0], 403)
            self.assertEqual(self.stand.api("GET", "/environment", token=token)[0], 403)
        tenant = self.stand.admin("POST", "/api-token", {"name": "t", "role": "tenant",
                                                         "tenant_id": "demo"})["token"]
        status, changed = self.stand.api("PATCH", "/integrated-account/" + self.plain["id"],
                                         {"overrides": {}}, token=tenant)
        self.assertEqual((status, changed["overrides"]), (200, {}))
        self.assertEqual(self.stand.api("DELETE", "/environment/prod/overrides")[0], 405)
        self.assertEqual(self.stand.api("PUT", "/environment/%20/overrides", {})[0], 404)

    def refused(self, overrides, pointer, account=None):
        """By an account, and, where the names fit, by an environment."""
        path = "/integrated-account/" + (account or self.plain)["id"]
        status, reply = self.stand.api("PATCH", path, {"overrides": overrides})
        self.assertEqual(status, 422, (overrides, reply))
        self.assertEqual(reply["error"]["details"][0]["pointer"], "/overrides" + pointer)
        if isinstance(overrides, dict):
            status, reply = self.stand.api("PUT", "/environment/e/overrides", overrides)
            self.assertEqual(status, 422, (overrides, reply))
            self.assertEqual(reply["error"]["details"][0]["pointer"], pointer)
        body = dict(self.stand.netsuite_account(), overrides=overrides)
        self.assertEqual(self.stand.api("POST", "/integrated-account?verify=false", body)[0], 422)

    def test_what_is_refused(self):
        at = "/tools/" + CUSTOMERS

        def schema(**parts):
            return on_tool(CUSTOMERS, schema=parts)
        for overrides, pointer in (
                ([], ""), ("x", ""), ({"nonsense": 1}, "/nonsense"),
                ({"tools": []}, "/tools"), ({"instructions": "x"}, "/instructions"),
                ({"instructions": {"nonsense": "x"}}, "/instructions/nonsense"),
                ({"instructions": {"netsuite": ""}}, "/instructions/netsuite"),
                ({"instructions": {"netsuite": "x" * 8001}}, "/instructions/netsuite"),
                (on_tool("list_all_netsuite_nothings", description="x"),
                 "/tools/list_all_netsuite_nothings"),
                ({"tools": {CUSTOMERS: None}}, at),
                (on_tool(CUSTOMERS, title="x"), at + "/title"),
                (on_tool(CUSTOMERS, description=""), at + "/description"),
                (on_tool(CUSTOMERS, description=None), at + "/description"),
                (on_tool(CUSTOMERS, description="x" * 8001), at + "/description"),
                (on_tool(CUSTOMERS, instructions=7), at + "/instructions"),
                (on_tool(CUSTOMERS, schema=None), at + "/schema"),
                (on_tool(CUSTOMERS, schema=[]), at + "/schema"),
                (schema(nonsense=1), at + "/schema/nonsense"),
                (schema(type="array"), at + "/schema/type"),
                (schema(additionalProperties=True), at + "/schema/additionalProperties"),
                (schema(additionalProperties=None), at + "/schema/additionalProperties"),
                (schema(properties={"new": {"type": "string"}}), at + "/schema/properties/new"),
                (schema(properties={"name": True}), at + "/schema/properties/name"),
                (schema(properties={"name": {"patern": "x"}}),
                 at + "/schema/properties/name/patern"),
                (schema(properties={"name": {"pattern": "("}}),
                 at + "/schema/properties/name/pattern"),
                (schema(properties={"name": {"x-path": "y"}}),
                 at + "/schema/properties/name/x-path"),
                (schema(properties={"name": {"$ref": "https://example.com/s"}}),
                 at + "/schema/properties/name/$ref"),
                (schema(properties={"limit": {"default": 5}}), at + "/schema/properties/limit"),
                (schema(properties={"next_cursor": None}), at + "/schema/properties/next_cursor"),
                (schema(required=["nothing"]), at + "/schema/required/0"),
                (schema(required="name"), at + "/schema/required"),
                (on_tool(CUSTOMER, schema={"properties": {"id": None}}),
                 "/tools/" + CUSTOMER + "/schema/properties/id"),
                (on_tool(CUSTOMER, schema={"required": None}),
                 "/tools/" + CUSTOMER + "/schema/required"),
                (on_tool(CUSTOMER, schema={"required": []}),
                 "/tools/" + CUSTOMER + "/schema/required"),
                (on_tool(CUSTOMERS, schema={"properties": {"name": {"description": "x" * 66000}}}),
                 "")):
            with self.subTest(overrides=str(overrides)[:100]):
                self.refused(overrides, pointer)
        self.assertEqual(self.stand.admin("GET", "/environment")["data"], [])
        self.assertEqual(self.stand.admin("GET", "/integrated-account/" + self.plain["id"])[
            "overrides"], {})

    def test_an_account_overrides_its_own_integration_only(self):
        path = "/integrated-account/" + self.plain["id"]
        for overrides in (on_tool(SAP_VENDORS, description="x"), {"instructions": {"sap": "x"}}):
            self.assertEqual(self.stand.api("PATCH", path, {"overrides": overrides})[0], 422)

    def test_by_the_command_line(self):
        env = {"SLUICE_URL": self.stand.base, "SLUICE_TOKEN": self.stand.admin_token}
        layer = on_tool(CUSTOMERS, description="By command.")
        put = self.stand.command("environment", "set", "cli", "--file", "-", env=env, flags=[],
                                 stdin=json.dumps(layer))
        self.assertEqual(put.returncode, 0, put.stderr)
        got = self.stand.command("environment", "get", "cli", env=env, flags=[])
        self.assertEqual(json.loads(got.stdout)["overrides"], layer)
        listed = self.stand.command("environment", "list", env=env, flags=[])
        self.assertEqual(len(json.loads(listed.stdout)["data"]), 1)
        self.assertEqual(self.stand.command("environment", env=env, flags=[]).returncode, 2)
        self.put("cli", {})


class TestLive(OverrideCase):
    def judged(self, account, resource, method):
        data = self.stand.admin("GET", "/integrated-account/%s/catalog" % account["id"])["data"]
        one, = [x for x in data if (x["resource"], x["method"]) == (resource, method)]
        return one

    def describe(self, change):
        path = os.path.join(self.folder, "netsuite", "documentation", "customers.json")
        with open(path) as file:
            value = json.load(file)
        change(value)
        with open(path + ".new", "w") as file:
            json.dump(value, file)
        os.rename(path + ".new", path)

    def test_they_are_laid_over_what_the_files_say_now(self):
        _, url = self.account(overrides=on_tool(CUSTOMERS, instructions="And mine.", schema={
            "properties": {"name": {"maxLength": 5}}}))
        self.describe(lambda d: d["methods"]["list"].update(description="From the file."))
        self.assertEqual(self.tools(url)[CUSTOMERS]["description"], "From the file.\n\nAnd mine.")
        self.assertEqual(self.error(self.call(url, {"name": "too long"}))["code"],
                         "invalid_arguments")

    def test_a_tool_whose_override_fits_no_more_is_left_out_and_told_of(self):
        account, url = self.account(overrides=on_tool(CUSTOMER, schema={
            "properties": {"id": {"type": "string", "pattern": "^[0-9]+$"}}}))
        environment, other = self.account("strict")
        self.put("strict", on_tool(CUSTOMERS, schema={"required": ["is_inactive"]}))
        self.assertIn(CUSTOMERS, self.tools(other))
        start = os.path.getsize(self.stand.log_path)
        spare = os.path.join(self.stand.scratch, "spare")
        shutil.copytree(os.path.join(self.folder, "netsuite"), spare)
        resource = os.path.join(self.folder, "netsuite", "resources", "customers.json")
        with open(resource) as file:
            value = json.load(file)
        value["methods"]["list"]["upstream"]["filters"].pop("is_inactive")
        with open(resource, "w") as file:
            json.dump(value, file)
        self.describe(lambda d: d["methods"]["list"]["input"]["query"].pop("is_inactive"))
        self.assertIn(CUSTOMERS, self.tools(self.plain_url))
        self.assertNotIn(CUSTOMERS, self.tools(other))
        self.assertIn(CUSTOMER, self.tools(url))
        _, _, reply = self.stand.rpc(other, "tools/call", {"name": CUSTOMERS, "arguments": {}})
        self.assertEqual(reply["error"]["code"], -32602)
        lines = [e for e in self.stand.events(start) if e["event"] == "override_refused"]
        self.assertEqual(len(lines), 1)
        self.assertEqual((lines[0]["environment"], lines[0]["tool"], lines[0]["pointer"]),
                         ("strict", CUSTOMERS, "/tools/%s/schema/required/0" % CUSTOMERS))
        judged = self.judged(environment, "customers", "list")
        self.assertEqual((False, "override", CUSTOMERS),
                         (judged["shown"], judged["reason"], judged["name"]))
        self.assertIn("log", judged["message"])
        self.assertEqual((True, None, None), tuple(
            self.judged(account, "customers", "list")[k] for k in ("shown", "reason", "message")))
        shutil.rmtree(os.path.join(self.folder, "netsuite"))
        os.rename(spare, os.path.join(self.folder, "netsuite"))
        self.assertIn(CUSTOMERS, self.tools(other))
        self.assertTrue(self.judged(environment, "customers", "list")["shown"])

    def test_a_method_without_documentation_is_no_tool_and_told_of(self):
        account, url = self.account()
        texts = {}
        self.describe(lambda d: texts.update(d["methods"].pop("get")))
        self.addCleanup(self.describe, lambda d: d["methods"].update(get=texts))
        self.assertNotIn(CUSTOMER, self.tools(url))
        self.assertIn(CUSTOMERS, self.tools(url))
        self.assertEqual({"name": None, "resource": "customers", "method": "get", "shown": False,
                          "reason": "no_documentation",
                          "message": "It has no documentation record."},
                         self.judged(account, "customers", "get"))

    def test_calls_under_way_keep_what_they_began_with(self):
        account, url = self.account(overrides=on_tool(CUSTOMERS, description="Mine."))
        self.hold()
        outcome = []
        caller = threading.Thread(target=lambda: outcome.append(self.call(url, {"limit": 1})))
        caller.start()
        wait_until(lambda: self.stats()["in_flight"] == 1, "the call at the mock")
        self.patch(account, on_tool(CUSTOMERS, schema={"required": ["name"]}))
        self.put("x", on_tool(CUSTOMERS, description="Of x."))
        self.release()
        caller.join()
        self.assertEqual(len(self.data(outcome[0])), 1)
        self.assertEqual(self.error(self.call(url, {"limit": 1}))["code"], "invalid_arguments")


if __name__ == "__main__":
    main()
