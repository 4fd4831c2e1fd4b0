"""The bench's own reckoning: what it reads out of its tools, and what it does with a goal."""
import json
import os
import shutil
import sys
import tempfile
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import measure  # noqa: E402
import callgrind  # noqa: E402
import hostile  # noqa: E402
import instructions  # noqa: E402
import lockstep  # noqa: E402
import tree  # noqa: E402
import upstreams  # noqa: E402
from goals import Goals  # noqa: E402
from stand import Fault  # noqa: E402

WRK = """Running 2s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.50ms  800.00us  20.00ms   99%
    Req/Sec    12.00k     1.00k   13.00k    50%
  Latency Distribution
     50%  740.00us
     75%    2.60ms
     90%    3.00ms
     99%    1.02s 
  24000 requests in 2.00s, 60.00MB read
"""

PROFILE = """# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 7
part: 1

positions: line
events: Ir sysCount sysTime
summary: 171 2 1

ob=(1) /usr/bin/sluice
fl=(1) /anywhere/core/../core/mcp.c
fn=(1) write_reply'handle'main
10 100
cob=(2) /usr/lib/libc.so.6
cfi=(2) ???
cfn=(2) memcpy'write_reply'handle'main
calls=3 0
11 60 1 1
fl=(3) /anywhere/base/buf.c
fn=(3) put'2'put'write_reply'handle'main
+3 7
fn=(4) finish'main
5 1

ob=(2)
fl=(2)
fn=(2)
0 60 1 1

fn=(5) clock_gettime@@GLIBC_2.17'finish'main
0 3 1
"""


class Wrk(unittest.TestCase):
    def test_percentiles_are_those_of_the_distribution(self):
        self.assertEqual(measure.percentile_us(WRK, 50), 740)

    def test_a_second_has_a_blank_behind_it(self):
        self.assertEqual(measure.percentile_us(WRK, 99), 1.02e6)

    def test_a_missing_percentile_is_a_fault(self):
        with self.assertRaises(Fault):
            measure.percentile_us(WRK, 98)


class Callgrind(unittest.TestCase):
    def setUp(self):
        with tempfile.NamedTemporaryFile("w", delete=False) as out:
            out.write(PROFILE)
        self.addCleanup(os.remove, out.name)
        self.costs = {cost.frames[0]: cost for cost in callgrind.read(out.name)}

    def test_own_cost_and_that_of_calls_are_apart(self):
        self.assertEqual(self.costs["write_reply"].own["Ir"], 100)
        self.assertEqual(self.costs["write_reply"].calls_below["Ir"], 60)

    def test_nothing_is_lost_or_counted_twice(self):
        self.assertEqual(sum(cost.own["Ir"] for cost in self.costs.values()), 171)

    def test_names_are_known_by_their_numbers(self):
        self.assertEqual(self.costs["memcpy"].own["Ir"], 60)
        self.assertEqual(self.costs["memcpy"].place, "libc.so.6")

    def test_a_recursion_is_no_frame(self):
        self.assertEqual(self.costs["put"].frames,
                         ["put", "put", "write_reply", "handle", "main"])

    def test_work_for_a_station_is_the_stations(self):
        chains = instructions.Chains(self.costs.values())
        for name in ("memcpy", "put", "write_reply"):
            self.assertEqual(chains.station(self.costs[name]), "MCP: JSON-RPC read and written")

    def test_reading_the_clock_is_no_system_call(self):
        calls = sum(instructions.system_calls(cost) for cost in self.costs.values())
        self.assertEqual(calls * instructions.STEPS * instructions.CONNECTIONS, 1)


class Stations(unittest.TestCase):
    def test_every_source_of_the_server_has_one(self):
        for folder in ("io", "store", "catalog", "governor", "auth", "connectors", "core"):
            for place, _, names in os.walk(os.path.join(ROOT, folder)):
                for name in names:
                    if name.endswith(".c") and folder != "io":
                        path = tree.in_tree(os.path.join(place, name))
                        self.assertNotEqual(tree.station_of([path]), "rest", path)

    def test_the_log_is_a_station_and_buffers_are_not(self):
        self.assertEqual(tree.station_of(["base/log.c", "core/call.c"]), "audit line and log")
        self.assertEqual(tree.station_of(["base/buf.c", "governor/lane.c"]), "governor")


class Upstreams(unittest.TestCase):
    def test_pages_are_json_of_so_many_rows(self):
        self.assertEqual(len(json.loads(upstreams.suiteql_page(7))["items"]), 7)
        self.assertEqual(len(json.loads(upstreams.odata_page(9))["d"]["results"]), 9)

    def test_no_word_of_the_configuration_is_too_long_for_nginx(self):
        text = upstreams.odata_page(35)
        self.assertGreater(len(text), 4096)
        self.assertLess(max(len(word) for word in upstreams.answer(text).split("'")), 4096)


class Answers(unittest.TestCase):
    def test_a_length_says_when_it_is_whole(self):
        self.assertFalse(lockstep.is_whole(b"content-length: 3", b"ab"))
        self.assertTrue(lockstep.is_whole(b"Content-Length: 3", b"abc"))

    def test_chunks_end_with_an_empty_one(self):
        self.assertFalse(lockstep.is_whole(b"Transfer-Encoding: chunked", b"3\r\nabc\r\n"))
        self.assertTrue(lockstep.is_whole(b"Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n"))


class Page(unittest.TestCase):
    def test_every_part_has_its_place_on_the_page(self):
        with open(os.path.join(ROOT, "bench", "run")) as run:
            parts = next(line for line in run if line.startswith("all=("))[5:-2].split()
        with open(measure.PAGE) as page:
            text = page.read()
        for part in parts:
            with self.subTest(part):
                self.assertTrue(os.path.exists(os.path.join(ROOT, "bench", part + ".py")))
                self.assertEqual(text.count("<!-- %s -->\n" % part), 1)
                self.assertEqual(text.count("<!-- /%s -->" % part), 1)

    def test_a_section_is_replaced_and_the_rest_stays(self):
        scratch = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, scratch)
        path, measure.PAGE = measure.PAGE, os.path.join(scratch, "page.md")
        self.addCleanup(setattr, measure, "PAGE", path)
        with open(measure.PAGE, "w") as page:
            page.write("before\n<!-- x -->\nold\n<!-- /x -->\nafter\n")
        measure.write_section("x", ["new", "lines"])
        with open(measure.PAGE) as page:
            self.assertEqual(page.read(), "before\n<!-- x -->\nnew\nlines\n<!-- /x -->\nafter\n")


class Turns(unittest.TestCase):
    def test_the_longest_is_no_longer_than_the_first_bound_that_has_all(self):
        self.assertEqual(hostile.longest_ms({0.25: 5, 0.5: 7, 1: 7, 2.5: 7}), 0.5)
        self.assertEqual(hostile.longest_ms({0.25: 7, 0.5: 7, 1: 7, 2.5: 8}), 2.5)

    def test_a_rate_is_the_median_and_silence_counts_as_none(self):
        self.assertEqual(hostile.rates([{"told": {"413": 10}}, {"told": {}}, {"told": {"413": 4}}]),
                         "413: 4/s")


class Judgement(unittest.TestCase):
    def test_a_missed_goal_is_said_and_fails_only_when_it_binds(self):
        goals = Goals()
        goals.at_most("idle", 19.9, 20, "MB")
        self.assertEqual(goals.verdict(True), 0)
        goals.at_most("call", 61, 60, "µs", 42)
        self.assertIn("| call | 61 µs | at most 60 µs, aim 42 µs | **missed** |", goals.lines)
        self.assertEqual(goals.verdict(False), 0)
        self.assertEqual(goals.verdict(True), 1)


if __name__ == "__main__":
    unittest.main()
