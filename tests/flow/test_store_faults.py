# SPDX-License-Identifier: Apache-2.0
"""A store that cannot store: a full disk, a limit, a medium that takes no writes, a file that was
moved, a second server. What cannot be kept is an error, never an acknowledgement."""
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import unittest
import urllib.parse

from crash import file_faults
from flow import BIN, ROOT, TODAY, Stand, exchange, main

CUSTOMERS = "list_all_netsuite_customers"


class StoreCase(unittest.TestCase):
    def setUp(self):
        self.stand = Stand(BIN)
        self.addCleanup(self.stand.stop)
        self.stand.start_mock("netsuite", "--today", TODAY)
        self.database = os.path.join(self.stand.data_dir, "sluice.db")

    def raise_up(self):
        self.stand.start_server()
        self.account = self.stand.connect_netsuite()
        self.server = self.stand.mint(self.account["id"])

    def writes(self):
        """One of each kind: (method, path, body)."""
        account = "/integrated-account/" + self.account["id"]
        return [
            ("POST", "/integrated-account?verify=false", self.stand.netsuite_account("new")),
            ("POST", "/integrated-account", self.stand.netsuite_account("new")),
            ("PATCH", account, {"name": "changed"}),
            ("PATCH", account, {"auth": self.stand.netsuite_account()["auth"]}),
            ("POST", account + "/mcp", {"name": "another"}),
            ("PATCH", account + "/mcp/" + self.server["id"], {"name": "changed"}),
            ("DELETE", account + "/mcp/" + self.server["id"], None),
            ("DELETE", account, None),
            ("POST", "/api-token", {"name": "another", "role": "admin"}),
            ("PATCH", "/tenant/demo", {"governor": {"ceiling": 3}}),
            ("PATCH", "/lanes/" + urllib.parse.quote(self.account["lane"], safe=""),
             {"ceiling": 2}),
        ]

    def everything(self):
        """What the API shows of it all."""
        account = "/integrated-account/" + self.account["id"]
        lane = "/lanes/" + urllib.parse.quote(self.account["lane"], safe="")
        shown = [self.stand.admin("GET", path) for path in (
            "/integrated-account", account + "/mcp", "/api-token", "/tenant/demo")]
        return shown + [self.stand.admin("GET", lane)["ceiling"]]

    def refuse_each_write(self):
        before = self.everything()
        for method, path, body in self.writes():
            status, reply = self.stand.api(method, path, body)
            self.assertEqual(status, 500, (path, reply))
            self.assertEqual(reply["error"]["code"], "io_error", path)
            self.assertFalse({"id", "url", "token"} & set(reply), path)
        self.assertEqual(self.everything(), before)

    def call(self):
        """Reads need no writing: tools go on working."""
        status, _, result = self.stand.tool(self.server["url"], CUSTOMERS, {"limit": 1})
        self.assertEqual(status, 200)
        self.assertNotIn("isError", result)

    def call_after_restart(self):
        """The port is another one."""
        self.server["url"] = self.stand.base + urllib.parse.urlsplit(self.server["url"]).path
        self.call()

    def take_each_write(self):
        for method, path, body in self.writes():
            if method != "DELETE":
                self.assertLess(self.stand.api(method, path, body)[0], 300, path)

    def whole_after_restart(self):
        before = self.everything()
        self.assertEqual(self.stand.end("server"), 0)
        self.assertEqual(file_faults(self.database), [])
        self.stand.start_server()
        self.assertEqual(self.everything(), before)


class TestFileSizeLimit(StoreCase):
    def test_what_cannot_be_written_is_an_error_and_leaves_no_trace(self):
        self.raise_up()
        server = self.stand.process("server").pid
        no_limit = resource.prlimit(server, resource.RLIMIT_FSIZE)
        resource.prlimit(server, resource.RLIMIT_FSIZE, (4096, no_limit[1]))
        self.refuse_each_write()
        for _ in range(40):  # the log has long met the limit too
            self.call()
        resource.prlimit(server, resource.RLIMIT_FSIZE, no_limit)
        self.take_each_write()
        self.whole_after_restart()
        self.call_after_restart()


class TestSecondServer(StoreCase):
    def test_a_second_server_on_the_same_folder_is_refused(self):
        self.raise_up()
        first = self.stand.process("server")
        second = self.stand.command("serve", "--server.port", "0")
        self.assertEqual((second.returncode, second.stdout), (1, ""))
        self.assertIn("%s is in use by another sluice serve (process %d)" % (
            self.stand.data_dir, first.pid), second.stderr)
        self.assertNotIn("listening", second.stderr)
        self.call()
        self.take_each_write()
        self.stand.sluice("token", "create", "--name", "beside", "--role", "admin")
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=60)
        self.stand.start_server()  # the kernel gave the lock back
        self.call_after_restart()


class TestRowsThatCannotBeRead(StoreCase):
    def post_after_restart(self):
        self.stand.start_server()
        path = urllib.parse.urlsplit(self.server["url"]).path
        status, _, raw = exchange(self.stand.base, "POST", path, b"{}")
        return status, raw.decode()

    def test_an_mcp_server_with_a_config_of_nobodys_is_unusable_and_named_in_the_log(self):
        self.raise_up()
        self.assertEqual(self.stand.end("server"), 0)
        with sqlite3.connect(self.database) as database:
            database.execute("UPDATE server SET config = '{\"methods\":7}', version = version + 1")
        database.close()
        status, raw = self.post_after_restart()
        self.assertEqual(status, 500, raw)
        self.assertIn("cannot be used right now", raw)
        said = [e for e in self.stand.events() if e["event"] == "mcp_server_unusable"]
        self.assertEqual({e["mcp_server"] for e in said}, {self.server["id"]})
        self.assertEqual(self.stand.end("server"), 0)

    def test_damaged_tokens_are_a_failure_of_ours_and_not_a_wrong_url(self):
        self.raise_up()
        self.assertEqual(self.stand.end("server"), 0)
        with sqlite3.connect(self.database) as database:
            pages = [page for page, in database.execute(
                "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'url_token'"
                " AND rootpage > 0")]
            size, = database.execute("PRAGMA page_size").fetchone()
        database.close()
        with open(self.database, "r+b") as file:
            for page in pages:
                file.seek((page - 1) * size)
                file.write(b"\xff" * size)
        status, raw = self.post_after_restart()
        self.assertEqual(status, 500, raw)
        self.assertEqual(self.stand.end("server"), 0)


class TestNewerSchema(StoreCase):
    def test_an_older_program_leaves_a_newer_database_alone(self):
        self.stand.make_keys()
        self.say_version(99)
        with open(self.database, "rb") as file:
            before = file.read()
        for words in (("serve", "--server.port", "0"), ("token", "list")):
            done = self.stand.command(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertIn("written by a newer version", self.stand.command(
            "serve", "--server.port", "0").stderr)
        with open(self.database, "rb") as file:
            self.assertEqual(file.read(), before)

    def say_version(self, version):
        with sqlite3.connect(self.database) as database:
            database.execute("PRAGMA user_version = %d" % version)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()


class TestMovedDatabase(StoreCase):
    def test_nothing_is_acknowledged_into_a_file_that_is_not_there_any_more(self):
        self.raise_up()
        away = self.database + ".away"
        os.rename(self.database, away)
        self.assertEqual(exchange(self.stand.base, "GET", "/readyz")[0], 503)
        self.refuse_each_write()
        shutil.copyfile(away, self.database)  # a backup put back under a running server
        self.assertEqual(exchange(self.stand.base, "GET", "/readyz")[0], 503)
        self.refuse_each_write()
        self.assertIn("store_moved", {e["event"] for e in self.stand.events()})
        os.replace(away, self.database)
        self.assertEqual(exchange(self.stand.base, "GET", "/readyz")[0], 200)
        self.take_each_write()
        self.whole_after_restart()


class Room:
    """A small file system of its own in a mount namespace that a holder process keeps."""

    def __init__(self, stand, size):
        self.path = os.path.join(stand.scratch, "room")
        os.mkdir(self.path, 0o700)
        script = ('mount -t tmpfs -o size=%s,mode=700 none "$0" && mkdir -m 700 "$0/data" &&'
                  ' echo there && exec sleep 3600' % size)
        self.holder = subprocess.Popen(["unshare", "-Urm", "sh", "-c", script, self.path],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True)
        self.is_there = self.holder.stdout.readline() == "there\n"
        self.data = os.path.join(self.path, "data")

    def inside(self, *command):
        return ["nsenter", "-t", str(self.holder.pid), "-U", "-m", "--preserve-credentials",
                "-w" + ROOT, *command]

    def run(self, *command):
        done = subprocess.run(self.inside(*command), capture_output=True, text=True, timeout=60,
                              check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout

    def remount(self, options):
        """Without what mount(8) would take over from before: ids that the namespace does not know."""
        self.run("mount", "-i", "-n", "-t", "tmpfs", "-o", "remount," + options, "none", self.path)

    def end(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class RoomCase(StoreCase):
    def room(self, size):
        room = Room(self.stand, size)
        self.addCleanup(room.end)
        if not room.is_there:
            print("skipped: this user may not make a mount namespace")
            self.skipTest("needs unprivileged mount namespaces")
        self.stand.make_keys()
        for name in os.listdir(self.stand.data_dir):
            room.run("cp", "-p", os.path.join(self.stand.data_dir, name), room.data)
        self.stand.data_dir = room.data
        return room

    def start_inside(self, room):
        """As Stand.start_server, in the room."""
        stand = self.stand
        with open(stand.log_path, "a") as log:
            start = log.tell()
            process = stand.start("server", room.inside(
                os.path.join(stand.bin, "sluice"), "serve", "--server.port", "0",
                *stand.flags()), stderr=log)
        stand.base = "http://127.0.0.1:%d" % stand.wait_for_port(process, start)


class TestDisk(RoomCase):
    def test_a_full_disk_loses_nothing_and_acknowledges_nothing_it_has_no_room_for(self):
        room = self.room("2m")
        self.start_inside(room)
        self.account = self.stand.connect_netsuite()
        self.server = self.stand.mint(self.account["id"])
        kept = self.fill()
        room.run("sh", "-c", "cat /dev/zero >\"$0/ballast\" || true", room.path)  # to the last byte
        kept += self.fill()
        ceiling = self.change_ceilings()
        self.call()
        self.assertEqual(self.ids("filler"), sorted(kept))
        room.remount("size=16m")
        self.take_each_write()
        self.assertEqual(self.stand.end("server"), 0)
        room.run("python3", "-c", "import sys; sys.path.insert(0, 'tests/flow'); import crash;"
                 "found = crash.file_faults(sys.argv[1]); sys.exit(repr(found) if found else 0)",
                 os.path.join(room.data, "sluice.db"))
        self.start_inside(room)
        self.assertEqual(self.ids("filler"), sorted(kept))
        self.assertEqual(self.stand.admin("GET", "/tenant/filler")["governor"]["ceiling"], ceiling)

    def taken(self, method, path, body):
        """The reply, or None for the one error there may be. A small write may still find room
        where a large one did not."""
        status, reply = self.stand.api(method, path, body)
        if status < 300:
            return reply
        self.assertEqual((status, reply["error"]["code"]), (500, "io_error"))
        return None

    def fill(self):
        kept, refused = [], 0
        while refused < 20:
            made = self.taken("POST", "/integrated-account?verify=false",
                              self.stand.netsuite_account("filler"))
            if made is None:
                refused += 1
            else:
                kept.append(made["id"])
                self.assertLess(len(kept), 2000)
        return kept

    def change_ceilings(self):
        last = None
        for ceiling in range(1, 100):
            if self.taken("PATCH", "/tenant/filler", {"governor": {"ceiling": ceiling}}):
                last = ceiling
            shown = self.stand.admin("GET", "/tenant/filler")["governor"]["ceiling"]
            self.assertEqual(shown, last)
        return last

    def ids(self, tenant):
        found, cursor = [], ""
        while cursor is not None:
            page = self.stand.admin("GET", "/integrated-account?tenant_id=%s&limit=200&cursor=%s" %
                                    (tenant, cursor))
            found += [one["id"] for one in page["data"]]
            cursor = page["next_cursor"]
        return sorted(found)

    def test_a_disk_that_is_full_at_the_start_is_said(self):
        room = self.room("2m")
        room.run("sh", "-c", "rm -f \"$0\"/sluice.db*; head -c 3m /dev/zero >\"$0/ballast\" ||"
                 " true", room.data)
        self.refused_to_start(room)
        room.run("rm", os.path.join(room.data, "ballast"))
        self.start_inside(room)

    def refused_to_start(self, room):
        done = subprocess.run(room.inside(os.path.join(self.stand.bin, "sluice"), "serve",
                                          "--server.port", "0", *self.stand.flags()),
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
        self.assertEqual(len(said), 1, done.stderr)
        self.assertIn(room.data, said[0])
        self.assertNotIn("listening", done.stderr)
        return said[0]


    def test_a_folder_that_takes_no_writes_is_refused_at_the_start(self):
        room = self.room("2m")
        room.remount("ro")
        said = self.refused_to_start(room)
        self.assertIn("Read-only file system", said)
        room.remount("rw")
        self.start_inside(room)


if __name__ == "__main__":
    main()
