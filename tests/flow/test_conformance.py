# SPDX-License-Identifier: Apache-2.0
"""The conformance integration: off unless enabled, no upstream, and what its tools answer."""
import json

from flow import BIN, FlowCase, Stand, main

ENABLED = ("--integrations.enable", "conformance")


class ConformanceCase(FlowCase):
    flags = ENABLED

    @classmethod
    def setUpClass(cls):
        cls.stand = Stand(BIN, flags=cls.flags)
        try:
            cls.stand.start_server()
            cls.prepare()
        except BaseException:
            cls.stand.stop()
            raise

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


if __name__ == "__main__":
    main()
