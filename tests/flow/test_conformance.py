# SPDX-License-Identifier: Apache-2.0
"""The conformance integration: off unless enabled, no upstream, and what its tools answer."""
import json
import urllib.parse

from flow import (META_CAPABILITIES, FlowCase, Volley, call_bytes, codes, exchange, main, message,
                  wait_until)
from json_schema import faults

ENABLED = ("--integrations.enable", "conformance")


class ConformanceCase(FlowCase):
    flags = ENABLED
    mocks = ()

    @classmethod
    def prepare(cls):
        cls.account = cls.stand.connect_conformance()
        cls.server = cls.stand.mint(cls.account["id"])
        cls.url = cls.server["url"]

    def call(self, name, arguments=None, **more):
        """The result, or the error with its HTTP status."""
        params = {"name": name}
        if arguments is not None:
            params["arguments"] = arguments
        params.update(more.pop("params", {}))
        status, fields, reply = self.stand.rpc(self.url, "tools/call", params, **more)
        if "error" in reply:
            return dict(reply["error"], status=status)
        self.assertEqual(status, 200, reply)
        return reply["result"]

    def tools(self, era="modern", **more):
        reply = self.stand.rpc(self.url, "tools/list", era=era, **more)[2]
        return {tool["name"]: tool for tool in reply["result"]["tools"]}


class TestOff(ConformanceCase):
    """What an operator who never heard of it has."""
    flags = ()

    @classmethod
    def prepare(cls):
        pass

    def test_it_cannot_be_connected(self):
        status, reply = self.stand.api("POST", "/integrated-account", {
            "tenant_id": "demo", "integration": "conformance", "name": "x", "connection": {},
            "auth": {"scheme": "none"}})
        self.assertEqual(status, 422)
        self.assertIn("/integration", reply["error"]["message"])

    def test_its_catalog_is_checked_and_its_tools_are_not_listed(self):
        result = self.stand.command("catalog", "check")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout,
                         r"(?m)^conformance: \d+ tools, off: not in integrations.enable$")
        self.assertNotIn("echo", result.stdout)
        result = self.stand.command("catalog", "check", *ENABLED)
        self.assertRegex(result.stdout, r"(?m)^conformance: \d+ tools\n  echo ")

    def test_a_name_nobody_knows_is_refused_at_the_start(self):
        result = self.stand.command("serve", "--integrations.enable", "netsuite,nonsense")
        self.assertEqual(result.returncode, 2, result)
        self.assertIn("no integration nonsense", result.stderr)


class TestContent(ConformanceCase):
    def test_the_account(self):
        self.assertEqual(self.account["verified"], True)
        self.assertEqual(self.account["auth"], {"scheme": "none"})
        for wrong in ({"connection": {"host": "x"}}, {"connection": []},
                      {"auth": {"scheme": "none", "password": "x"}}, {"auth": {"scheme": "basic"}}):
            body = {"tenant_id": "demo", "integration": "conformance", "name": "x",
                    "connection": {}, "auth": {"scheme": "none"}}
            status, reply = self.stand.api("POST", "/integrated-account", dict(body, **wrong))
            self.assertEqual(status, 422, reply)

    def test_echo(self):
        for text in ("hello", "", "{/arguments/text}", "{", "ü\n\"\\ \u0001", "x" * 65536):
            result = self.call("echo", {"text": text})
            self.assertEqual(result["content"], [{"type": "text", "text": text}])
            self.assertNotIn("structuredContent", result)
            self.assertNotIn("isError", result)
        for wrong in ({}, {"text": 5}, {"text": "x" * 65537}, {"text": "x", "more": 1}):
            result = self.call("echo", wrong)
            self.assertEqual(self.error(result)["code"], "invalid_arguments")

    def test_content_has_no_output_schema(self):
        tools = self.tools()
        self.assertNotIn("outputSchema", tools["echo"])
        self.assertEqual(set(tools["echo"]["inputSchema"]["properties"]), {"text"})
        self.assertEqual(tools["test_simple_text"]["inputSchema"],
                         {"type": "object", "additionalProperties": False})

    def test_the_annotations_are_true(self):
        for name, writes in (("echo", False), ("test_job", True), ("test_job_status", False)):
            self.assertEqual(self.tools()[name]["annotations"],
                             {"readOnlyHint": not writes, "destructiveHint": writes,
                              "idempotentHint": not writes, "openWorldHint": False})

    def test_kinds_of_content(self):
        simple = self.call("test_simple_text")
        self.assertEqual(simple["content"][0]["text"],
                         "This is a simple text response for testing.")
        image = self.call("test_image_content")["content"]
        self.assertEqual([(b["type"], b["mimeType"]) for b in image], [("image", "image/png")])
        mixed = self.call("test_multiple_content_types")["content"]
        self.assertEqual([block["type"] for block in mixed], ["text", "image", "resource"])
        self.assertEqual(json.loads(mixed[2]["resource"]["text"]), {"test": "data", "value": 123})

    def test_a_revision_gets_the_content_it_knows(self):
        for version, kinds in (("2024-11-05", []), ("2025-03-26", ["audio"])):
            result = self.call("test_audio_content", era="legacy",
                               headers={"MCP-Protocol-Version": version})
            self.assertEqual([block["type"] for block in result["content"]], kinds, version)

    def test_an_error_in_content(self):
        result = self.call("test_error_handling")
        self.assertEqual(result["isError"], True)
        self.assertEqual(result["content"], [
            {"type": "text", "text": "This tool intentionally returns an error for testing"}])
        self.assertEqual(self.stand.events()[-1]["outcome"], "validation_failed")

    def test_calls_pass_the_governor(self):
        _, fields, _ = self.stand.rpc(self.url, "tools/call",
                                      {"name": "echo", "arguments": {"text": "x"}})
        self.assertEqual(fields["ratelimit-limit"], "100")


class TestQuestions(ConformanceCase):
    """Questions in the middle of a call (the revision that has them)."""
    can = {"elicitation": {}, "sampling": {}, "roots": {}}

    def ask(self, name, responses=None, state=None, can=None, **more):
        params = {"_meta": {META_CAPABILITIES: self.can if can is None else can}}
        if responses is not None:
            params["inputResponses"] = responses
        if state is not None:
            params["requestState"] = state
        return self.call("test_input_required_result_" + name, {}, params=params, **more)

    @staticmethod
    def yes(**content):
        return {"action": "accept", "content": content}

    def test_one_question(self):
        asked = self.ask("elicitation")
        self.assertEqual(asked["resultType"], "input_required")
        self.assertEqual(asked["inputRequests"]["user_name"]["method"], "elicitation/create")
        self.assertNotIn("requestState", asked)
        self.assertNotIn("content", asked)
        done = self.ask("elicitation", {"user_name": self.yes(name="Ada"), "more": 1})
        self.assertEqual(done["resultType"], "complete")
        self.assertEqual(done["content"][0]["text"], "Hello, Ada!")

    def test_answers_that_do_not_fit_are_asked_for_again(self):
        for answers in (None, {}, {"name": self.yes(name="Ada")}, {"user_name": 5},
                        {"user_name": {}}, {"user_name": {"action": "accept"}},
                        {"user_name": self.yes()}, {"user_name": self.yes(name=5)},
                        {"user_name": {"action": "perhaps", "content": {"name": "Ada"}}}):
            self.assertIn("user_name", self.ask("elicitation", answers)["inputRequests"], answers)
        for answers in (5, [], "x", True):
            params = {"inputResponses": answers, "_meta": {META_CAPABILITIES: self.can}}
            again = self.call("test_input_required_result_elicitation", {}, params=params)
            self.assertIn("user_name", again["inputRequests"], answers)
        self.assertIn("capital_question",
                      self.ask("sampling", {"capital_question": {"role": "x"}})["inputRequests"])
        self.assertIn("client_roots",
                      self.ask("list_roots", {"client_roots": {"roots": 5}})["inputRequests"])

    def test_a_no_is_an_answer(self):
        for action in ("decline", "cancel"):
            said = self.ask("elicitation", {"user_name": {"action": action}})
            self.assertEqual(self.error(said)["code"], "policy_denied")

    def test_the_model_and_the_roots(self):
        said = self.ask("sampling", {"capital_question": {
            "role": "assistant", "model": "m", "content": {"type": "text", "text": "Paris"}}})
        self.assertIn("Paris", said["content"][0]["text"])
        said = self.ask("list_roots", {"client_roots": {"roots": [{"uri": "file:///a\"b"}]}})
        self.assertIn('file:///a\\"b', said["content"][0]["text"])

    def test_rounds_stand_in_the_state(self):
        first = self.ask("multi_round")
        self.assertEqual(list(first["inputRequests"]), ["step1"])
        both = {"step1": self.yes(name="Ada"), "step2": self.yes(color="blue")}
        # Without the state nothing was asked; with it, only what was.
        self.assertEqual(list(self.ask("multi_round", both)["inputRequests"]), ["step1"])
        second = self.ask("multi_round", both, first["requestState"])
        self.assertEqual(list(second["inputRequests"]), ["step2"])
        self.assertNotEqual(first["requestState"], second["requestState"])
        again = self.ask("multi_round", {"step1": self.yes(name="Bob")}, second["requestState"])
        self.assertEqual(list(again["inputRequests"]), ["step2"])
        done = self.ask("multi_round", {"step2": self.yes(color="blue")}, again["requestState"])
        self.assertEqual(done["content"][0]["text"], "Ada likes blue best.")
        self.assertNotIn("Ada", second["requestState"])

    def test_answers_larger_than_a_state_are_refused(self):
        state = self.ask("multi_round")["requestState"]
        said = self.ask("multi_round", {"step1": self.yes(name="x" * 5000)}, state)
        self.assertEqual(self.error(said)["code"], "too_large")

    def test_only_what_the_client_declares_is_asked(self):
        for can, keys in (({}, None), ({"sampling": {}}, ["greeting"]),
                          (self.can, ["user_name", "greeting", "client_roots"])):
            said = self.ask("capabilities", can=can)
            self.assertEqual(list(said["inputRequests"]) if keys else said["resultType"],
                             keys or "complete")

    def test_a_legacy_client_cannot_be_asked(self):
        said = self.ask("elicitation", era="legacy")
        self.assertEqual(self.error(said)["code"], "policy_denied")
        self.assertNotIn("resultType", said)


class TestProgress(ConformanceCase):
    def progress(self, era, token):
        """The notifications and the result of a call, with the content type."""
        body, headers = message("tools/call", {"name": "test_tool_with_progress",
                                               "arguments": {}}, 9, era, token)
        split = urllib.parse.urlsplit(self.url)
        status, fields, raw = exchange(self.stand.base, "POST", split.path, body, headers)
        self.assertEqual(status, 200)
        if fields["content-type"] == "application/json":
            return fields, [json.loads(raw)]
        return fields, [json.loads(line[5:]) for line in raw.decode().splitlines()
                        if line.startswith("data:")]

    def test_a_tool_tells_its_own_progress(self):
        for era in ("modern", "legacy"):
            for token in ("p", 7):
                fields, events = self.progress(era, token)
                self.assertEqual(fields["content-type"], "text/event-stream")
                self.assertEqual(fields["ratelimit-limit"], "100")
                told = [event["params"] for event in events[:-1]]
                self.assertEqual(told, [{"progressToken": token, "progress": n, "total": 100}
                                        for n in (0, 50, 100)])
                self.assertEqual(events[-1]["id"], 9)
                self.assertEqual(events[-1]["result"]["content"][0]["text"], "The work is done.")

    def test_without_a_token_it_just_works(self):
        fields, events = self.progress("modern", None)
        self.assertEqual(fields["content-type"], "application/json")
        self.assertIn("result", events[0])

    def volley(self, calls):
        volley = Volley(self.url, calls)
        volley.bytes = [call_bytes(self.url, "test_tool_with_progress", {}, message_id=n + 1)
                        for n in range(calls)]
        return volley

    def govern(self, **governor):
        path = "/integrated-account/" + self.account["id"]
        self.stand.admin("PATCH", path, {"governor": governor})
        self.addCleanup(self.stand.admin, "PATCH", path,
                        {"governor": {"ceiling": 100, "queue_limit": 32}})

    def test_a_client_that_leaves_ends_it(self):
        self.govern(ceiling=1, queue_limit=50)
        lane = "/lanes/" + urllib.parse.quote(self.account["lane"], safe="")
        start = len(self.stand.events())
        volley = self.volley(40).send()
        wait_until(lambda: self.stand.admin("GET", lane)["in_flight"] > 0, "work")
        volley.hang_up()
        wait_until(lambda: self.stand.admin("GET", lane)["in_flight"] == 0, "an idle lane")
        calls = [e for e in self.stand.events()[start:] if e["event"] == "tool_call"]
        self.assertEqual(len(calls), 40)
        self.assertIn("cancelled", {e["outcome"] for e in calls})

    def test_a_revoked_url_ends_it(self):
        self.govern(ceiling=1, queue_limit=50)
        server = self.stand.mint(self.account["id"])
        volley = Volley(server["url"], 40)
        volley.bytes = [call_bytes(server["url"], "test_tool_with_progress", {}, message_id=n + 1)
                        for n in range(40)]
        volley.send()
        self.stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (self.account["id"],
                                                                      server["id"]))
        statuses = [status for status, _, _ in volley.raw_results()]
        self.assertLessEqual(set(statuses), {200, 401})
        self.assertIn(401, statuses)
        self.assertEqual(self.call("test_simple_text")["content"][0]["type"], "text")

    def test_a_legacy_client_cancels_by_a_message(self):
        self.govern(ceiling=1, queue_limit=50)
        volley = Volley(self.url, 10)
        volley.bytes = [call_bytes(self.url, "test_tool_with_progress", {}, "legacy", n + 1)
                        for n in range(10)]
        volley.send()
        body, headers = message("notifications/cancelled", {"requestId": 10}, era="legacy")
        del body["id"]
        path = urllib.parse.urlsplit(self.url).path
        self.assertEqual(exchange(self.stand.base, "POST", path, body, headers)[0], 202)
        statuses = [status for status, _, _ in volley.raw_results()]
        self.assertEqual(statuses, [200] * 9 + [202])

    def test_the_governor_bounds_it(self):
        self.govern(ceiling=1, queue_limit=1)
        self.assertEqual(codes(self.volley(5).send().results()), {"ok": 2, "account_busy": 3})


class TestJobs(ConformanceCase):
    def structured(self, result):
        self.assertEqual(json.loads(result["content"][0]["text"]), result["structuredContent"])
        return result["structuredContent"]

    def test_accepted_running_complete(self):
        schema = self.tools()["test_job"]["outputSchema"]
        for era in ("modern", "legacy"):
            first = self.structured(self.call("test_job", {"text": "hello"}, era=era))
            self.assertEqual((first["status"], first["data"], first["retry_after_seconds"]),
                             ("accepted", None, 1))
            self.assertIn("test_job_status", first["_meta"]["instruction"])
            self.assertNotIn("hello", json.dumps(first))
            second = self.structured(self.call("test_job_status", {"poll_id": first["poll_id"]},
                                               era=era))
            self.assertEqual((second["status"], second["data"]), ("running", None))
            third = self.structured(self.call("test_job_status", {"poll_id": second["poll_id"]},
                                              era=era))
            self.assertEqual((third["status"], third["data"]), ("complete", [{"text": "hello"}]))
            self.assertEqual(third["poll_id"], second["poll_id"])
            self.assertNotIn("instruction", third["_meta"])
            for answer in (first, second, third):
                self.assertEqual(list(faults(schema, answer)), [])

    def test_a_job_that_fails(self):
        first = self.structured(self.call("test_failing_job"))
        second = self.structured(self.call("test_job_status", {"poll_id": first["poll_id"]}))
        failed = self.call("test_job_status", {"poll_id": second["poll_id"]})
        self.assertEqual(self.error(failed)["code"], "validation_failed")
        self.assertEqual(self.structured(failed)["status"], "failed")
        self.assertEqual(list(faults(self.tools()["test_job_status"]["outputSchema"],
                                     failed["structuredContent"])), [])

    def test_an_id_is_good_for_its_own_server_only(self):
        poll_id = self.structured(self.call("test_job", {"text": "x"}))["poll_id"]
        other = self.stand.mint(self.account["id"])["url"]
        wrong = [poll_id + "x", poll_id[:-1], "x", "x" * 8192]
        for url, given in [(self.url, w) for w in wrong] + [(other, poll_id)]:
            _, _, result = self.stand.tool(url, "test_job_status", {"poll_id": given})
            error = self.error(result)
            self.assertEqual(error["code"], "invalid_arguments")
            self.assertEqual(error["details"][0]["pointer"], "/poll_id")
        for arguments in ({}, {"poll_id": ""}, {"poll_id": 5}, {"poll_id": "x" * 8193}):
            self.assertEqual(self.error(self.call("test_job_status", arguments))["code"],
                             "invalid_arguments")

    def test_who_may_start_may_ask(self):
        for config, shown in (({"tools": ["test_job"]}, {"test_job", "test_job_status"}),
                              ({"tools": ["echo"]}, {"echo"}),
                              ({"tools": ["test_job_status"]}, {"test_job_status"})):
            server = self.stand.mint(self.account["id"], config)
            reply = self.stand.rpc(server["url"], "tools/list")[2]
            self.assertEqual({t["name"] for t in reply["result"]["tools"]}, shown)
            self.assertEqual(server["tools"], len(shown))


class TestSchemas(ConformanceCase):
    def test_a_schema_reaches_the_wire_whole(self):
        schema = self.tools()["json_schema_2020_12_tool"]["inputSchema"]
        self.assertEqual(schema, {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {
                "street": {"type": "string"}, "city": {"type": "string"}}}},
            "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
                           "contactMethod": {"type": "string", "enum": ["phone", "email"]},
                           "phone": {"type": "string"}, "email": {"type": "string"}},
            "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
            "if": {"properties": {"contactMethod": {"const": "phone"}},
                   "required": ["contactMethod"]},
            "then": {"required": ["phone"]}, "else": {"required": ["email"]},
            "additionalProperties": False})

    def test_and_is_really_checked(self):
        for arguments, good in (({"email": "a"}, True), ({"phone": "1"}, False),
                                ({"contactMethod": "phone", "phone": "1"}, True),
                                ({"contactMethod": "phone", "email": "a"}, False),
                                ({"email": "a", "address": {"city": 5}}, False),
                                ({"email": "a", "address": {"city": "x"}}, True),
                                ({}, False), ({"email": "a", "more": 1}, False)):
            result = self.call("json_schema_2020_12_tool", arguments)
            self.assertEqual("isError" not in result, good, (arguments, result))


if __name__ == "__main__":
    main()
