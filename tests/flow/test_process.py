# SPDX-License-Identifier: Apache-2.0
"""The process as the system sees it: no dumps, no keys in the environment, locked pages."""
import json
import os
import unittest

from flow import BIN, FlowCase, exchange, main
from stand import Stand

# A root user may lock what it likes, so that right is given up as well.
WITHOUT_LOCKED_PAGES = ["prlimit", "--memlock=0:0"] + (
    ["setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"] if os.geteuid() == 0 else [])


class TestProcess(FlowCase):
    def proc(self, name):
        """A file of the server under /proc; of a process that forbids dumps it is root's."""
        path = "/proc/%d/%s" % (self.stand.process("server").pid, name)
        if os.geteuid() != 0 and name in ("environ", "mem"):
            with self.assertRaises(PermissionError):
                open(path, "rb").close()
            return b""
        with open(path, "rb") as file:
            return file.read()

    def test_no_core_file_is_ever_written(self):
        line = [one for one in self.proc("limits").decode().splitlines()
                if one.startswith("Max core file size")][0]
        self.assertEqual(line.split()[4:6], ["0", "0"])

    def test_the_process_belongs_to_root_alone(self):
        """Not dumpable: its files under /proc are root's, and nobody else may attach."""
        path = "/proc/%d/mem" % self.stand.process("server").pid
        self.assertEqual(os.stat(path).st_uid, 0)

    def test_where_pages_are_locked_nothing_is_said(self):
        events = [one for one in self.stand.events() if one["event"] == "secrets_not_locked"]
        self.assertEqual(events, [])


class TestKeysInTheEnvironment(unittest.TestCase):
    def test_the_keys_are_taken_out_of_the_environment(self):
        stand = Stand(BIN)
        self.addCleanup(stand.stop)
        stand.make_keys()
        path = os.path.join(stand.data_dir, "keys.json")
        with open(path, encoding="utf-8") as file:
            keys = file.read()
        os.unlink(path)
        stand.start_server(env={"SLUICE_KEYS": keys, "SLUICE_SEEN": "as-it-was"})
        self.assertEqual(stand.api("GET", "/lanes")[0], 200)  # the keys are those
        if os.geteuid() == 0:
            with open("/proc/%d/environ" % stand.process("server").pid, "rb") as file:
                environ = file.read()
            self.assertIn(b"SLUICE_SEEN=as-it-was", environ)
            for key in [json.loads(keys)["signing_key"], "signing_key", "vault_keys"]:
                self.assertNotIn(key.encode(), environ)
        self.assertEqual(stand.end("server"), 0)


class TestWithoutLockedPages(unittest.TestCase):
    def test_the_log_says_so_once_with_the_remedy_and_the_server_serves(self):
        stand = Stand(BIN)
        self.addCleanup(stand.stop)
        stand.make_keys()
        stand.runner = WITHOUT_LOCKED_PAGES
        stand.start_mock("netsuite")
        stand.start_server()
        account = stand.connect_netsuite()
        url = stand.mint(account["id"])["url"]
        result = stand.tool(url, "list_all_netsuite_customers", {"limit": 1})[2]
        self.assertNotIn("isError", result)
        self.assertEqual(exchange(stand.base, "GET", "/healthz")[0], 200)
        with open(stand.server, "rb") as program:
            is_sanitized = b"libasan" in program.read()
        self.assertEqual(stand.end("server"), 0)
        said = [one for one in stand.events() if one["event"] == "secrets_not_locked"]
        if is_sanitized:
            self.skipTest("under a sanitizer mlock does nothing and says that it did")
        self.assertEqual(len(said), 1)
        self.assertEqual(said[0]["level"], "warn")
        self.assertEqual(said[0]["memlock_kib"], 0)
        self.assertIn("LimitMEMLOCK", said[0]["remedy"])


if __name__ == "__main__":
    main()
