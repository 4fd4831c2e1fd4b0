# SPDX-License-Identifier: Apache-2.0
"""A catalog that changes under a running server: seen by the next tools/list, refused whole when it
is broken, never mixed, and no matter to calls that are under way."""
import copy
import json
import os
import shutil
import threading
import urllib.parse

from flow import LEGACY, FlowCase, Volley, codes, exchange, main, message, wait_until

CUSTOMERS = "list_all_netsuite_customers"
INVOICES = "list_all_netsuite_invoices"


class LiveCase(FlowCase):
    """A stand whose server reads a copy of the catalogs that the test may change."""

    @classmethod
    def furnish(cls):
        cls.copy_catalogs()

    @classmethod
    def prepare(cls):
        cls.account = cls.stand.connect_netsuite(governor={"ceiling": 1, "queue_wait_ms": 600000})
        minted = cls.stand.mint(cls.account["id"])
        cls.url, cls.count = minted["url"], minted["tools"]

    def setUp(self):
        self.spare = os.path.join(self.stand.scratch, "spare")
        shutil.copytree(self.folder, self.spare, symlinks=True)
        self.addCleanup(self.put_back)
        self.log_start = os.path.getsize(self.stand.log_path)

    def put_back(self):
        shutil.rmtree(self.folder)
        os.rename(self.spare, self.folder)
        self.tools()

    # ---- Files ----

    def path(self, kind, name, integration="netsuite"):
        return os.path.join(self.folder, integration, kind, name + ".json")

    def write(self, path, content, in_place=False):
        """As an editor saves: beside, then renamed; or over the bytes that are there."""
        text = content if isinstance(content, str) else json.dumps(content)
        if in_place:
            with open(path, "r+" if os.path.exists(path) else "w") as file:
                file.write(text)
                file.truncate()
            return
        with open(path + ".new", "w") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def change(self, path, change, in_place=False):
        with open(path) as file:
            value = json.load(file)
        change(value)
        self.write(path, value, in_place)

    def describe(self, text, in_place=False):
        self.change(self.path("documentation", "customers"),
                    lambda doc: doc["methods"]["list"].update(description=text), in_place)

    # ---- What the server shows ----

    def tools(self, url=None, era="modern"):
        _, _, reply = self.stand.rpc(url or self.url, "tools/list", era=era)
        self.assertIn("result", reply)
        return {tool["name"]: tool for tool in reply["result"]["tools"]}

    def said(self, event):
        return [e for e in self.stand.events(self.log_start) if e["event"] == event]

    def gauge(self, name):
        _, _, text = exchange(self.stand.base, "GET", "/metrics")
        for line in text.decode().splitlines():
            if line.startswith(name + " "):
                return int(line.split()[1])
        raise AssertionError("no metric " + name)


class TestChanges(LiveCase):
    def test_a_changed_text_is_seen_by_the_next_list(self):
        for n in range(20):
            text = "Customers, version %d." % n
            self.describe(text, in_place=n % 2 == 0)
            self.assertEqual(self.tools(era="legacy" if n % 3 else "modern")
                             [CUSTOMERS]["description"], text)
        self.assertEqual(self.gauge("sluice_catalog_reload_failed"), 0)
        self.assertEqual(self.said("catalog_refused"), [])
        self.assertGreaterEqual(len(self.said("catalog_loaded")), 20)

    def test_an_unchanged_catalog_is_not_loaded_again(self):
        self.tools()
        wait_until(lambda: not self.reloads_while_listing(), "old stamps")

    def reloads_while_listing(self):
        before = self.loads()
        os.utime(self.path("documentation", "customers"))
        for _ in range(3):
            self.tools()
        return self.loads() - before  # touched, not changed: no news

    def loads(self):
        _, _, text = exchange(self.stand.base, "GET", "/metrics")
        return int([line for line in text.decode().splitlines()
                    if line.startswith('sluice_catalog_loads_total{outcome="ok"}')][0].split()[1])

    def test_lists_at_once_all_see_the_change(self):
        for n in range(5):
            self.describe("At once %d." % n)
            seen = []
            threads = [threading.Thread(
                target=lambda: seen.append(self.tools()[CUSTOMERS]["description"]))
                for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(set(seen), {"At once %d." % n})

    def test_a_documentation_record_makes_a_tool_and_taking_it_away_unmakes_it(self):
        path = self.path("documentation", "invoices")
        names = set(self.tools())
        with open(path) as file:
            whole = file.read()
        os.remove(path)
        self.assertEqual(names - set(self.tools()),
                         {name for name in names if "invoice" in name})
        status, _, reply = self.stand.rpc(self.url, "tools/call", {"name": INVOICES,
                                                                   "arguments": {}})
        self.assertEqual((status, reply["error"]["code"]), (200, -32602))
        self.write(path, whole)
        self.assertEqual(set(self.tools()), names)
        self.assertEqual(len(self.data(self.stand.tool(self.url, INVOICES, {"limit": 1})[2])), 1)

    def test_a_new_method_can_be_named_in_a_filter_at_once(self):
        resource = self.path("resources", "customers")
        documentation = self.path("documentation", "customers")
        self.change(resource, lambda r: r["methods"].update(
            recent=dict(r["methods"]["list"], writes=False)))
        self.change(documentation, lambda d: d["methods"].update(
            recent=dict(d["methods"]["list"], title="Recent")))
        status, made = self.stand.api("POST", "/integrated-account/%s/mcp" % self.account["id"],
                                      {"name": "n", "config": {"methods": ["recent"]}})
        self.assertEqual(status, 201, made)
        self.assertEqual(list(self.tools(made["url"])), ["netsuite_customers_recent"])
        # Its method goes: nothing is left to show, and nothing else breaks.
        shutil.copy(os.path.join(self.spare, "netsuite", "documentation", "customers.json"),
                    documentation)
        self.assertEqual(self.tools(made["url"]), {})
        path = "/integrated-account/%s/mcp/%s" % (self.account["id"], made["id"])
        self.assertEqual(self.stand.admin("GET", path)["tools"], 0)
        self.assertEqual(self.stand.admin("PATCH", path, {"name": "still"})["tools"], 0)
        self.assertEqual(self.stand.api("PATCH", path, {"config": {"priority": "batch"}})[0], 422)

    def test_instructions_are_seen_by_the_next_discovery(self):
        path = os.path.join(self.folder, "netsuite", "integration.json")
        for n, era in enumerate(("modern", "legacy")):
            self.change(path, lambda i, n=n: i.update(instructions="Read me %d." % n))
            method = "server/discover" if era == "modern" else "initialize"
            params = None if era == "modern" else {
                "protocolVersion": LEGACY, "capabilities": {},
                "clientInfo": {"name": "t", "version": "1"}}
            _, _, reply = self.stand.rpc(self.url, method, params, era=era)
            self.assertEqual(reply["result"]["instructions"], "Read me %d." % n)

    def test_a_list_in_a_batch_sees_it_too(self):
        self.describe("In a batch.")
        body = [message("tools/list", message_id=n, era="legacy")[0] for n in (1, 2)]
        status, _, text = exchange(self.stand.base, "POST", urllib.parse.urlsplit(self.url).path,
                                   body, {"MCP-Protocol-Version": "2025-03-26"})
        self.assertEqual(status, 200)
        for reply in json.loads(text):
            named = {tool["name"]: tool for tool in reply["result"]["tools"]}
            self.assertEqual(named[CUSTOMERS]["description"], "In a batch.")

    def test_calls_see_the_change_without_a_list(self):
        self.change(self.path("documentation", "customers"), lambda d: d["methods"]["list"][
            "input"]["query"]["name"].update(minLength=9))

        def refused():
            _, _, result = self.stand.tool(self.url, CUSTOMERS, {"name": "A"})
            return result.get("isError") and self.error(result)
        error = wait_until(refused, "the new schema")
        self.assertEqual((error["code"], error["details"][0]["pointer"]),
                         ("invalid_arguments", "/name"))

    def test_the_default_ceiling_of_an_account_follows(self):
        account, url = self.fresh()
        self.assertEqual(self.lane(account)["effective"], 5)
        self.change(os.path.join(self.folder, "netsuite", "integration.json"),
                    lambda i: i["limits"].update(ceiling=3))
        self.tools(url)
        self.assertEqual(self.lane(account)["effective"], 3)

    def test_a_folder_swapped_by_its_link_is_one_change(self):
        real = self.folder + "-1"
        os.rename(self.folder, real)
        os.symlink(real, self.folder)
        self.assertIn(CUSTOMERS, self.tools())
        other = self.folder + "-2"
        shutil.copytree(real, other)
        self.change(os.path.join(other, "netsuite", "documentation", "customers.json"),
                    lambda doc: doc["methods"]["list"].update(
                        description="From the other folder."))
        os.symlink(other, self.folder + ".new")
        os.rename(self.folder + ".new", self.folder)
        self.assertEqual(self.tools()[CUSTOMERS]["description"], "From the other folder.")
        os.remove(self.folder)
        os.mkdir(self.folder)  # for put_back
        shutil.rmtree(real)
        shutil.rmtree(other)


class TestFaults(LiveCase):
    def broken(self, path, content, pointer, cause, in_place=False):
        """Breaks the file; the old tools stay, and one line says where the fault is."""
        before = self.tools()
        start = os.path.getsize(self.stand.log_path)
        self.write(path, content, in_place)
        for _ in range(3):
            self.assertEqual(self.tools(), before)
        lines = [e for e in self.stand.events(start) if e["event"] == "catalog_refused"]
        self.assertEqual(len(lines), 1, lines)
        self.assertEqual(lines[0]["file"], path)
        self.assertEqual((lines[0]["pointer"], lines[0]["cause"]), (pointer, cause))
        self.assertEqual(lines[0]["level"], "error")
        self.assertEqual(self.gauge("sluice_catalog_reload_failed"), 1)
        self.assertEqual(exchange(self.stand.base, "GET", "/readyz")[0], 200)
        self.assertEqual(len(self.data(self.stand.tool(self.url, CUSTOMERS, {"limit": 1})[2])), 1)

    def test_a_broken_file_is_refused_and_mended(self):
        path = self.path("documentation", "customers")
        with open(path) as file:
            whole = file.read()
        self.broken(path, whole[:len(whole) // 2], "", "parse_error", in_place=True)
        value = json.loads(whole)
        worse = copy.deepcopy(value)
        worse["methods"]["list"]["input"]["query"]["name"]["pattern"] = "("
        self.broken(path, worse, "/methods/list/input/query/name/pattern",
                    "unprocessable")
        worse = copy.deepcopy(value)
        worse["methods"]["list"]["nonsense"] = 1
        self.broken(path, worse, "/methods/list/nonsense", "unprocessable")
        value["methods"]["list"]["description"] = "Mended."
        self.write(path, value)
        self.assertEqual(self.tools()[CUSTOMERS]["description"], "Mended.")
        self.assertEqual(self.gauge("sluice_catalog_reload_failed"), 0)

    def test_a_file_written_slowly_is_taken_when_it_is_whole(self):
        path = self.path("documentation", "customers")
        with open(path) as file:
            value = json.load(file)
        value["methods"]["list"]["description"] = "Written slowly."
        text = json.dumps(value)
        before = self.tools()
        with open(path, "w") as file:
            for at in range(0, len(text), len(text) // 7):
                file.write(text[at:at + len(text) // 7])
                file.flush()
                if file.tell() < len(text):
                    self.assertEqual(self.tools(), before)
        self.assertEqual(self.tools()[CUSTOMERS]["description"], "Written slowly.")

    def test_a_fault_in_one_file_keeps_changes_of_others_out(self):
        """All or nothing: no mixture of two states is ever in force."""
        before = self.tools()
        self.describe("Half of a change.")
        self.write(self.path("resources", "invoices"), "{}")
        self.assertEqual(self.tools()[CUSTOMERS]["description"],
                         before[CUSTOMERS]["description"])
        shutil.copy(os.path.join(self.spare, "netsuite", "resources", "invoices.json"),
                    self.path("resources", "invoices"))
        self.assertEqual(self.tools()[CUSTOMERS]["description"], "Half of a change.")

    def test_a_removed_integration_stops_its_own_accounts_only(self):
        folder = os.path.join(self.folder, "netsuite")
        os.rename(folder, folder + ".away")  # not a name that a connector has
        before = os.path.getsize(self.stand.log_path)
        self.assertEqual(len(self.tools()), self.count)
        refused = [e for e in self.stand.events(before) if e["event"] == "catalog_refused"]
        self.assertEqual(len(refused), 1)
        shutil.move(folder + ".away", os.path.join(self.stand.scratch, "away"))
        status, _, _ = self.stand.rpc(self.url, "tools/list")
        self.assertEqual(status, 500)
        self.assertEqual(self.stand.rpc(self.url, "tools/call",
                                        {"name": CUSTOMERS, "arguments": {}})[0], 500)
        self.assertEqual(exchange(self.stand.base, "GET", "/readyz")[0], 200)
        shutil.move(os.path.join(self.stand.scratch, "away"), folder)
        self.assertEqual(len(self.tools()), self.count)

    def test_an_empty_folder_is_refused(self):
        for name in os.listdir(self.folder):
            shutil.rmtree(os.path.join(self.folder, name))
        self.assertEqual(len(self.tools()), self.count)
        line = self.said("catalog_refused")[-1]
        self.assertEqual((line["file"], line["cause"]), (self.folder, "not_found"))
        shutil.rmtree(self.folder)
        self.assertEqual(len(self.tools()), self.count)
        os.mkdir(self.folder)


class TestCallsUnderWay(LiveCase):
    def test_calls_keep_the_catalog_that_they_began_with(self):
        """Fields are mapped at the end of a call: by the records it began with."""
        self.hold()
        calls = Volley(self.url, 3, CUSTOMERS, {"limit": 2}).send()
        wait_until(lambda: self.stats()["in_flight"] == 1, "one at the mock")
        wait_until(lambda: self.lane(self.account)["queued"] == 2, "two in line")

        def less(doc):
            doc["fields"] = {"one": [{"name": "id", "type": "string", "class": "public",
                                      "from": ["id"]}]}
            for method in doc["methods"].values():
                method["output"] = ["one"]
        self.change(self.path("documentation", "customers"), less)
        shape = self.tools()[CUSTOMERS]["outputSchema"]["$defs"]["record"]["properties"]
        self.assertEqual(list(shape), ["id"])
        self.release()
        for _, _, result in calls.results():
            self.assertGreater(len(self.data(result)[0]), 5)
        _, _, result = self.stand.tool(self.url, CUSTOMERS, {"limit": 2})
        self.assertEqual(list(self.data(result)[0]), ["id"])

    def test_changes_while_calls_pour_in(self):
        stop = threading.Event()
        outcomes = []

        def pour():
            while not stop.is_set():
                status, _, result = self.stand.tool(self.url, CUSTOMERS, {"limit": 1})
                outcomes.append((status, "error" if result is None or result.get("isError")
                                 else "ok"))
        account = self.stand.connect_netsuite()
        self.assertEqual(account["verified"], True)
        threads = [threading.Thread(target=pour) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for n in range(15):
                self.describe("Version %d while calls pour in." % n, in_place=n % 2 == 1)
                self.assertIn("Version %d " % n, self.tools()[CUSTOMERS]["description"])
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(set(outcomes), {(200, "ok")})
        self.assertGreater(len(outcomes), 15)


if __name__ == "__main__":
    main()
