# SPDX-License-Identifier: Apache-2.0
"""Backup under load and restore into an empty folder, by the commands of docs/operations.md."""
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import threading

from crash import Line, Writer, file_faults
from flow import BIN, ROOT, main, wait_until
from test_crash import CrashCase
from test_docs import blocks

CUSTOMERS = "list_all_netsuite_customers"
PAGE = os.path.join("docs", "operations.md")


class BackupCase(CrashCase):
    def setUp(self):
        super().setUp()
        self.place = os.path.join(self.stand.scratch, "place")
        os.mkdir(self.place)

    def run_block(self, text, code=0):
        """A block of the page, in a folder of its own, with the stand's data_dir."""
        env = dict(os.environ, SLUICE_DATA_DIR=self.stand.data_dir,
                   PATH=os.path.join(ROOT, BIN) + os.pathsep + os.environ["PATH"])
        done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", text], cwd=self.place,
                              env=env, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, "%s\n%s%s" % (text, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def copies(self):
        folder = os.path.join(self.place, "backup")
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


class TestBackup(BackupCase):
    def under_load(self, action):
        """Runs it while four clients write; returns what they had been told before."""
        writers = [Writer(n, "backup", self.logins) for n in range(4)]
        line_of = [self.line() for _ in writers]
        stop = threading.Event()

        def work(writer, line):
            try:
                while not stop.is_set():
                    writer.dice.choices(*zip(*writer.choices()))[0](line)
            except Exception as fault:  # pylint: disable=broad-except
                writer.fault = fault
        threads = [threading.Thread(target=work, args=pair) for pair in zip(writers, line_of)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: all(w.answered > 30 or w.fault for w in writers), "writers at work")
            before = sum(w.answered for w in writers)
            action()
            after = sum(w.answered for w in writers)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
            for line in line_of:
                line.close()
        self.assertEqual([w.fault for w in writers if w.fault], [])
        self.assertGreater(after, before, "nothing was written meanwhile")

    def test_a_copy_taken_under_load_serves_calls_in_an_empty_folder(self):
        backup, keys, restore = blocks(PAGE, "Backup and restore")[:3]
        self.stand.start_server()
        account = self.stand.connect_netsuite()
        server = self.stand.mint(account["id"])
        self.under_load(lambda: self.run_block(backup))
        later = self.stand.mint(account["id"])
        self.run_block(keys)
        copy = self.copies()[0]
        self.assertEqual(stat.S_IMODE(os.stat(copy).st_mode), 0o600)
        self.assertEqual(file_faults(copy), [])
        self.assertEqual(self.stand.end("server"), 0)
        shutil.rmtree(self.stand.data_dir)  # the machine is gone

        self.run_block(restore)
        restored = os.path.join(self.place, "restored")
        self.assertEqual(sorted(os.listdir(restored)), ["keys.json", "sluice.db"])
        self.stand.data_dir = restored
        self.stand.start_server()
        self.assertEqual(self.stand.admin("GET", "/integrated-account/" + account["id"]), account)
        url = self.stand.base + "/mcp/" + server["url"].rsplit("/", 1)[1]
        status, _, result = self.stand.tool(url, CUSTOMERS, {"limit": 1})
        self.assertEqual(status, 200)
        self.assertNotIn("isError", result)
        gone = self.stand.base + "/mcp/" + later["url"].rsplit("/", 1)[1]
        self.assertEqual(self.stand.rpc(gone, "tools/list")[0], 401)
        self.assertEqual(self.stand.end("server"), 0)
        self.assertEqual(file_faults(os.path.join(restored, "sluice.db")), [])

    def test_without_the_keys_a_copy_opens_nothing(self):
        backup = blocks(PAGE, "Backup and restore")[0]
        self.stand.start_server()
        account = self.stand.connect_netsuite()
        self.run_block(backup)
        self.assertEqual(self.stand.end("server"), 0)
        shutil.rmtree(self.stand.data_dir)
        os.mkdir(self.stand.data_dir, 0o700)
        shutil.copyfile(self.copies()[0], self.database)
        self.stand.sluice("keygen")  # other keys
        self.stand.start_server()
        self.assertEqual(self.stand.api("GET", "/lanes")[0], 401)
        self.stand.admin_token = self.stand.sluice("token", "create", "--name", "x", "--role",
                                                   "admin")
        url = self.stand.mint(account["id"])["url"]
        status, _, answer = self.stand.rpc(url, "tools/call", {"name": CUSTOMERS, "arguments": {}})
        self.assertEqual((status, answer["error"]["code"]), (500, "internal"))
        self.assertIn("secret_not_opened", {e["event"] for e in self.stand.events()})

    def test_what_the_command_refuses(self):
        taken = os.path.join(self.place, "taken")
        with open(taken, "w") as file:
            file.write("mine")
        self.assertIn("there is no database", self.run_block("sluice backup copy.db", code=1))
        self.stand.make_keys()
        self.assertIn("never overwritten", self.run_block("sluice backup taken", code=1))
        with open(taken) as file:
            self.assertEqual(file.read(), "mine")
        self.run_block("sluice backup nowhere/copy.db", code=1)
        self.run_block("sluice backup", code=2)
        self.run_block("sluice backup whole.db")
        os.chmod(self.database, 0o600)
        with sqlite3.connect(self.database) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        self.assertIn("newer version", self.run_block("sluice backup newer.db", code=1))
        self.assertEqual(sorted(os.listdir(self.place)), ["taken", "whole.db"])

    def test_a_disk_without_room_leaves_no_half_copy(self):
        self.stand.start_server()
        for _ in range(20):
            self.stand.admin("POST", "/integrated-account?verify=false",
                             self.stand.netsuite_account())
        said = self.run_block("ulimit -f 40; sluice backup copy.db", code=1)
        self.assertIn("no half copy", said)
        self.assertEqual(os.listdir(self.place), [])


class TestKeys(BackupCase):
    def test_the_commands_of_the_page_seal_everything_anew_without_a_server(self):
        rotate = blocks(PAGE, "Keys")[0]
        self.stand.start_server()
        account = self.stand.connect_netsuite()
        url = self.stand.mint(account["id"])["url"]
        self.assertEqual(self.stand.end("server"), 0)
        self.run_block(rotate)
        path = os.path.join(self.stand.data_dir, "keys.json")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path) as file:
            names = [key["id"] for key in json.load(file)["vault_keys"]]
        self.assertEqual(len(names), 2)
        self.assertEqual(self.key_ids(account), {names[-1]})
        self.stand.start_server()
        _, _, result = self.stand.tool(self.stand.base + "/mcp/" + url.rsplit("/", 1)[1],
                                       CUSTOMERS, {"limit": 1})
        self.assertNotIn("isError", result)

    def key_ids(self, account):
        database = sqlite3.connect("file:%s?mode=ro" % self.database, uri=True)
        try:
            return {row[0] for row in database.execute(
                "SELECT key_id FROM secret WHERE account = ?", (account["id"],))}
        finally:
            database.close()


if __name__ == "__main__":
    main()
