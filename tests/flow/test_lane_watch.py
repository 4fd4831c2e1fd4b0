# SPDX-License-Identifier: Apache-2.0
"""sluice lane watch: what an operator reads while lanes change, and when the server goes away."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

from flow import ROOT, FlowCase, Volley, codes, main, wait_until

LINE = re.compile(r"^\d\d:\d\d:\d\dZ +(?P<effective>\S+)  (?P<because>\S+) +(?P<in_flight>\d+) +"
                  r"(?P<queued>\d+) +(?P<p99>-|\d+ ms) +(?P<by_erp>\S+) +(?P<by_line>\S+)  "
                  r"(?P<lane>\S+)$")
GONE = re.compile(r"^\d\d:\d\d:\d\dZ +-  gone +(?P<lane>\S+)$")


class Watch:
    """The command as it runs; what it prints, line by line."""

    def __init__(self, stand, *words, token=None, url=None):
        self.process = subprocess.Popen(
            [stand.server, "lane", "watch", *words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=ROOT,
            env=dict(os.environ, SLUICE_URL=url or stand.base,
                     SLUICE_TOKEN=token or stand.admin_token))
        self.lines, self.said = [], []
        self.threads = [threading.Thread(target=self.read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines),
                                     (self.process.stderr, self.said))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def read(pipe, lines):
        for line in pipe:
            lines.append(line.rstrip("\n"))

    def until(self, condition, what):
        return wait_until(condition, lambda: "%s; %s; %s" % (what, self.lines[-5:], self.said))

    def rows(self, lane):
        found = [LINE.match(line) for line in list(self.lines)]
        return [row for row in found if row and row["lane"] == lane]

    def row(self, lane, **wanted):
        """A row of the lane that stands so."""
        return self.until(lambda: [row for row in self.rows(lane) if all(
            row[name] == value for name, value in wanted.items())], "%s %s" % (lane, wanted))[-1]

    def end(self, signum=signal.SIGINT):
        self.process.send_signal(signum)
        return self.code()

    def code(self):
        code = self.process.wait(60)
        for thread in self.threads:
            thread.join(60)
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()
        return code


class LaneWatchCase(FlowCase):
    def watch(self, *words, **options):
        watch = Watch(self.stand, *words, **options)

        def clean():
            if watch.process.poll() is None:
                watch.process.kill()
                watch.code()
        self.addCleanup(clean)
        return watch

    def patch(self, account, body):
        self.stand.admin("PATCH", "/lanes/" + urllib.parse.quote(account["lane"], safe=""), body)


class TestWatching(LaneWatchCase):
    def test_a_line_for_each_change(self):
        account, url = self.fresh(governor={"ceiling": 4, "queue_limit": 1, "queue_wait_ms": 60000})
        watch = self.watch()
        row = watch.row(account["lane"])
        self.assertEqual((row["effective"], row["because"]), ("4", "-"))
        self.assertIn("effective", watch.lines[0])  # the columns have names
        self.patch(account, {"ceiling": 1})
        watch.row(account["lane"], effective="1/1")
        one = "/lanes/" + urllib.parse.quote(account["lane"], safe="")
        self.stand.admin("POST", one + "/pause")
        watch.row(account["lane"], because="paused")
        self.stand.admin("POST", one + "/resume")
        self.latency(60000)
        volley = Volley(url, 3).send()
        watch.row(account["lane"], in_flight="1", queued="1", by_line="1")

        def both_are_over():
            self.release()
            return self.lane(account)["in_flight"] == 0
        wait_until(both_are_over, "both calls")
        self.assertEqual(codes(volley.results()), {"ok": 2, "account_busy": 1})
        self.latency(0)
        row = watch.row(account["lane"], in_flight="0", queued="0", by_line="1")
        self.assertNotEqual(row["p99"], "-")
        self.fault("status", status=429)
        self.stand.tool(url, "list_all_netsuite_customers", {"limit": 1})
        watch.row(account["lane"], by_erp="1")
        self.assertTrue([row for row in watch.rows(account["lane"])
                         if row["because"] == "refused_by_erp"])
        self.assertEqual(watch.end(), 0)
        self.assertEqual(watch.said, [])

    def test_one_lane_alone_and_its_end(self):
        account, _ = self.fresh()
        other, other_url = self.fresh()
        watch = self.watch(account["lane"])
        watch.row(account["lane"])
        self.stand.tool(other_url, "list_all_netsuite_customers", {"limit": 1})
        self.patch(account, {"ceiling": 3})
        watch.row(account["lane"], effective="3/3")
        self.patch(account, {"ceiling": None})
        self.stand.admin("DELETE", "/integrated-account/" + account["id"])
        watch.until(lambda: [line for line in watch.lines if GONE.match(line)], "the end")
        self.assertEqual(GONE.match(watch.lines[-1])["lane"], account["lane"])
        self.assertEqual(watch.rows(other["lane"]), [])
        self.assertEqual(watch.end(signal.SIGTERM), 0)

    def test_a_lane_that_is_not_there_is_said_and_waited_for(self):
        watch = self.watch("netsuite:NOBODY")
        watch.until(lambda: watch.said, "a word")
        self.assertIn("no such lane now", watch.said[0])
        self.assertIsNone(watch.process.poll())
        self.assertEqual(watch.end(), 0)

    def test_the_events_as_json(self):
        account, _ = self.fresh()
        watch = self.watch("--json")
        watch.until(lambda: any("workers" in json.loads(line) for line in watch.lines), "ready")
        self.patch(account, {"ceiling": 2})
        watch.until(lambda: json.loads(watch.lines[-1]).get("ceiling") == 2, "the ceiling")
        self.assertEqual(json.loads(watch.lines[-1]), self.lane(account))
        self.assertEqual(watch.end(), 0)

    def test_a_tenant_sees_dashes_for_what_it_is_not_told(self):
        account, _ = self.fresh(tenant="watching")
        made = self.stand.admin("POST", "/api-token", {"name": "w", "role": "tenant",
                                                       "tenant_id": "watching"})
        watch = self.watch(token=made["token"])
        row = watch.row(account["lane"])
        self.assertEqual((row["p99"], row["by_erp"], row["by_line"]), ("-", "-", "-"))
        self.stand.admin("DELETE", "/api-token/" + made["id"])
        self.assertEqual(watch.code(), 1)  # asked again, it is refused
        self.assertIn("unauthorized", "\n".join(watch.said))
        self.assertEqual(json.loads("".join(
            line for line in watch.lines if not LINE.match(line) and "effective" not in line))
            ["error"]["code"], "unauthorized")

    def test_it_ends_when_nobody_reads(self):
        account, _ = self.fresh()
        watch = subprocess.Popen(
            [self.stand.server, "lane", "watch"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=ROOT, env=dict(
                os.environ, SLUICE_URL=self.stand.base, SLUICE_TOKEN=self.stand.admin_token))
        self.addCleanup(watch.stderr.close)
        self.assertTrue(watch.stdout.readline())
        watch.stdout.close()
        ceilings = iter(range(1, 1000))

        def has_ended():
            self.patch(account, {"ceiling": next(ceilings)})
            return watch.poll() is not None
        wait_until(has_ended, "the end")
        self.assertEqual(watch.returncode, 0, watch.stderr.read())

    def test_what_is_refused_ends_it_with_one(self):
        watch = self.watch(token="slt_" + "0" * 64)
        self.assertEqual(watch.code(), 1)
        self.assertEqual(json.loads("".join(watch.lines))["error"]["code"], "unauthorized")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            watch = self.watch(url="http://127.0.0.1:%d" % closed.getsockname()[1])
            self.assertEqual(watch.code(), 1)
        self.assertIn("is the server running", watch.said[0])
        done = self.stand.command("lane", "watch", "one", "two", flags=[],
                                  env={"SLUICE_TOKEN": self.stand.admin_token})
        self.assertEqual(done.returncode, 2)
        self.assertIn("watch [ID]", done.stderr)
        self.assertIn("watch [ID]", self.stand.command("lane", "--help", flags=[]).stdout)


class TestServerThatGoesAway(LaneWatchCase):
    def test_it_says_so_and_finds_the_server_again(self):
        account, _ = self.fresh()
        watch = self.watch()
        watch.row(account["lane"])
        self.stand.port = int(urllib.parse.urlsplit(self.stand.base).port)
        for ending, word in ((signal.SIGTERM, "the server stops"), (signal.SIGKILL, "lost")):
            said, rows = len(watch.said), len(watch.rows(account["lane"]))
            process = self.stand.process("server")
            process.send_signal(ending)
            process.wait(60)
            self.stand.processes = [one for one in self.stand.processes if one[1] is not process]
            process.stdout.close()
            watch.until(lambda: len(watch.said) > said, "a word")
            self.assertIn(word, watch.said[said])
            self.assertIn("trying again", watch.said[said])
            self.stand.start_server()
            watch.until(lambda: len(watch.rows(account["lane"])) > rows, "the lane again")
            watch.until(lambda: len(watch.said) == said + 2, "a word")
            self.assertIn("connected again", watch.said[-1])
        self.assertEqual(watch.end(), 0)

    def test_what_a_proxy_answers_is_not_the_server(self):
        page = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>\n\nback soon\n\n</html>"
        stream = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
                  b"\r\nevent: ready\ndata: {\"workers\":1}\n\n")
        refused = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        answers = [page, page, page, stream, refused % 429, refused % 408, refused % 502, stream]
        came = []

        def serve(listener):
            for answer in answers:
                sock = listener.accept()[0]
                came.append(time.monotonic())
                with sock:
                    while b"\r\n\r\n" not in sock.recv(65536, socket.MSG_PEEK):
                        pass
                    sock.recv(65536)
                    sock.sendall(answer)
                    if len(came) == len(answers):
                        sock.recv(1)  # until the command ends
        with socket.create_server(("127.0.0.1", 0)) as listener:
            proxy = threading.Thread(target=serve, args=(listener,), daemon=True)
            proxy.start()
            watch = self.watch(url="http://127.0.0.1:%d" % listener.getsockname()[1])
            watch.until(lambda: len(watch.said) == 4, "the second stream")
            self.assertEqual(watch.end(), 0)
            proxy.join(60)
        for text, word in zip(watch.said, ("closed", "connected again", "closed",
                                           "connected again")):
            self.assertIn(word, text)
        # A page has not set the pauses back: half a second, one, two; at least half of each.
        for n, least in ((1, 0.25), (2, 0.5), (3, 1.0)):
            self.assertGreater(came[n] - came[n - 1], least * 0.9)


if __name__ == "__main__":
    main()
