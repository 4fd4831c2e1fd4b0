#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lease protocol searched by spin, and lender.c with lease.lua by shares.c, in several small
worlds, each to its end; then with one fault planted at a time, which has to be found.
docs/lease-model.md says what this shows.

  tests/model/check.py               all worlds and faults but the long ones
  tests/model/check.py --long        the long ones: minutes each, 4 GB
  tests/model/check.py NAME...       some of them
  tests/model/check.py --list        their names
  tests/model/check.py --shortest NAME   the shortest way to what is wrong there, step by step
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = os.path.join(ROOT, "tests", "model", "lease.pml")
BUILD = os.path.join(ROOT, "build", "model")
MEMORY_MB = 2400
MEMORY_LONG_MB = 4000
DEPTH = 1500000

QUIET = {"BREAKS": 0, "CRASHES": 0, "RESTARTS": 0, "STALLS": 0, "LAGS": 0, "LATE_NEWS": 0}
WORLDS = {  # the longest first, so that the other core is not idle at the end
    "break": {"BREAKS": 1},
    "late-news": {"LATE_NEWS": 1},
    "restart": {"RESTARTS": 1, "CALM": 1},
    "stalls": {"STALLS": 1},
    "slow-clock": {"LAGS": 1},
    "crash": {"CRASHES": 1, "CALM": 1},
    "peace": {"CALM": 1},
}
LONG_WORLDS = {
    "two-slots": {"CEILING": 2, "CALM": 1},
    "crash-restart": {"CRASHES": 1, "RESTARTS": 1},
}
# The fault, and the world in which it has to show.
FAULTS = {
    "NO_MARGIN": {"LAGS": 1},
    "NO_HOLD": {"CRASHES": 1},
    "NO_GRACE": {"RESTARTS": 1},
    "GRACE_WITHOUT_HOLD": {"RESTARTS": 1, "LAGS": 1},
    "NO_SLACK": {"STALLS": 1, "LAGS": 1},
    "LEASE_FROM_ANSWER": {},
    "STALE_LOAN": {},
    "LATE_JOIN": {"RESTARTS": 1},
    "COUNTS_ANY": {"LATE_NEWS": 1},
    "NEWS_OF_ANY_AGE": {},
    "NEWS_FOR_A_LEASE": {},
    "NO_NUMBERS": {"BREAKS": 1},
    "UNTOLD": {"CALM": 1},
}

# The code that is searched; the first is read as a part of shares_lender.c.
LENDER_FILES = ("lender.c", "lender_request.c", "lender_answer.c")
# Of the code: seats (0: strict), ceiling, cuts, crashes, restarts, late servers, late requests.
CODE_WORLDS = {
    "code-two-slots": (0, 2, 0, 0, 0, 0, 0),
    "code-zero-share": (2, 1, 1, 0, 0, 0, 0),
    "code-share": (2, 2, 0, 0, 0, 0, 0),
}
# A line of the code, what is put in its place, and the world in which it has to show.
CODE_FAULTS = {
    "SEATS_LENT": ("lease.lua", "if not taken[tostring(place)] then", "if false then",
                   (2, 2, 1, 0, 0, 0, 0)),
    "SHARE_AT_ONCE": ("lender.c", "(3 * lender->terms.ttl_ms + lender->terms.hold_ms) * 1000",
                      "lender->terms.ttl_ms * 1000", (2, 2, 1, 0, 0, 0, 0)),
    "NEW_SEAT_TRUSTED": ("lease.lua", "if known < crew then", "if false then",
                         (2, 2, 0, 1, 0, 0, 0)),
}

# What the model was written from: when one of these lines changes, the model has to follow. In a
# file they stand in this order; blanks do not count.
RULES = {
    "coordination/lease.lua": [
        "local slack = math.floor(ttl / 2)",               # SLACK
        "math.min(slack, math.max(0, wall -",              # is_behind
        "now + ttl + hold + slack",                        # GRACE
        "if known ~= id then",                             # redis_runs: OTHER_EPOCH
        "if me and me.till > now then now = now + math.max(0, math.min(passed, claim - now))",
        "entry.live = entry.till > now",                   # is_live
        "if entry.till + hold + slack <= now then",        # KEPT
        "if me and seq <= me.seq then",                    # redis_runs_orphan: was_newer
        "if op == 'renew' and not (me and me.live) then",  # execute: RENEW
        "note(now + ttl,",                                 # execute: life[]
        "if not is_entering and not (me and me.live) then",
        "return record.keep + record.granted - record.seen",  # held
        "if held(record) == 0 and record.want == 0 then",  # tidy
        "local kept = (mine or wait > 0) and keep or",     # execute: ENTER
        "mine.granted = math.max(mine.granted, seen)",     # know_of
        "record.want > 0 and nodes[name].live",            # can_get
        "if wait == 0 then",
        "used < ceiling and next_node()",
    ],
    "coordination/lender.c": [
        "return now_us < lender->right_us;",
        "lender->stage == STAGE_LIVE && has_right(lender, now_us) && !lender->is_closed",
        "return has_right(lender, now_us) ? lane->leased : 0;",  # allowance
        "lane->leased = lane->used;",                      # settle
    ],
    "coordination/lender_request.c": [
        "if (!list_empty(&lender->asking)) {",             # enter_all: the lanes first ...
        "if (lender->joins) {",                            # ... then the node
    ],
    "coordination/lender_answer.c": [
        "age_ms < lender->terms.ttl_ms && age_ms < lender->terms.hold_ms",  # STALE
        "request->sent_us + (lender->terms.ttl_ms - lender->terms.ttl_ms / 10) * 1000",  # joined
        "epoch_ms - lender->entered_ms >=",                # hear_answer: JOIN
        "lane->seen = items[5].number;",                   # hear_answer: ENTER
        "if (request->round != lender->round) {",          # void_rest
    ],
    "core/coordinator.c": [
        "CLOCK_BOOTTIME",
        "if (lender_due_us(coordinator->lender) <= now_us) {",  # recall: before each call
    ],
}


def missing_rules():
    """What of RULES does not stand where it should."""
    for path, rules in RULES.items():
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = re.sub(r"\s+", "", file.read())
        at = 0
        for rule in rules:
            at = text.find(re.sub(r"\s+", "", rule), at)
            if at < 0:
                yield f"{path}: not found, or not in this place: {rule}"
                break


def defines(options):
    return [f"-D{key}={value}" for key, value in {**QUIET, **options}.items()]


def run(words, folder):
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def must(words, folder):
    got = run(words, folder)
    if got.returncode != 0 or "Error" in got.stdout:
        sys.exit(f"error: {' '.join(words)}: {got.stdout}{got.stderr}")


def search(name, options, is_shortest=False):
    """Spin's report of one world, and the folder in which it lies."""
    folder = os.path.join(BUILD, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shutil.copy(MODEL, folder)
    flags = defines(options) + (["-DSHORTEST"] if is_shortest else [])
    must(["spin", "-a", *flags, "lease.pml"], folder)
    kind = ["-DBFS"] if is_shortest else []
    must([os.environ.get("CC", "cc"), "-O2", "-DSAFETY", "-DNOREDUCE", "-DCOLLAPSE",
          f"-DMEMLIM={MEMORY_LONG_MB if name in LONG_WORLDS else MEMORY_MB}", *kind,
          "-o", "pan", "pan.c"], folder)
    return run(["./pan", f"-m{DEPTH}", "-w22"], folder).stdout, folder


def search_code(name, options, fault=None):
    """Shares.c's report of a world: lender.c and lease.lua, or with one line replaced."""
    folder = os.path.join(BUILD, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for file in LENDER_FILES + ("lease.lua",):
        with open(os.path.join(ROOT, "coordination", file), encoding="utf-8") as source:
            text = source.read()
        if fault and file == fault[0]:
            if text.count(fault[1]) != 1:
                return f"FAIL {file} has no longer one line: {fault[1]}"
            text = text.replace(fault[1], fault[2])
        with open(os.path.join(folder, file), "w", encoding="utf-8") as copy:
            copy.write(text)
    flags = run(["pkg-config", "--cflags", "--libs", "lua5.1", "libcrypto"], ROOT).stdout.split()
    base = [f"base/{part}.c" for part in ("map", "memory", "random_stock", "require", "secret",
                                          "slice", "spares")]
    program = os.path.join(folder, "shares")
    parts = [f"tests/model/shares{part}.c" for part in ("", "_lender", "_redis", "_events",
                                                       "_numbers")]
    must([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", "-I.",
          f'-DLENDER_C="{folder}/lender.c"', *parts, *base,
          *(os.path.join(folder, file) for file in LENDER_FILES[1:]), "-o", program, *flags], ROOT)
    return run([program, os.path.join(folder, "lease.lua"), "tests/model/store.lua",
                *map(str, options)], ROOT).stdout


def judge_code(report):
    states = re.match(r"(\d+) states, (none is above|above the ceiling)", report)
    is_above = bool(states) and states.group(2) == "above the ceiling"
    return bool(states) and not is_above, is_above, int(states.group(1)) if states else 0


def judge(report):
    """(finished without a fault, what was violated, states)"""
    violated = re.search(r"^pan:\d+: (.*) \(at depth", report, re.M)
    errors = re.search(r"errors: (\d+)", report)
    states = re.search(r"(\d+) states, stored", report)
    is_whole = ("Search not completed" not in report and "max search depth" not in report
                and "out of memory" not in report)
    return (bool(errors) and errors.group(1) == "0" and is_whole,
            violated and violated.group(1), int(states.group(1)) if states else 0)


def story(folder, flags):
    got = run(["spin", "-t", *flags, "lease.pml"], folder).stdout
    for line in got.split("\n"):
        if re.match(r"\s+(process \d|redis|tick)", line):
            yield line.strip()


def check(name, options, is_fault):
    started = time.monotonic()
    is_code = name.startswith("code-")
    if is_code:
        fault = options if is_fault else None
        report = search_code(name, fault[3] if fault else options, fault)
        is_clean, violated, states = judge_code(report)
    else:
        report, folder = search(name, options)
        is_clean, violated, states = judge(report)
    is_good = bool(violated) if is_fault else is_clean
    print(f"{'ok  ' if is_good else 'FAIL'} {name:26} {states:9} states "
          f"{time.monotonic() - started:4.0f} s  {'found' if is_fault and violated else ''}",
          flush=True)
    if not is_good:
        print(report)
    if not is_good and not is_code:
        print("\n".join(list(story(folder, defines(options)))[-60:]))
    return is_good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--shortest", action="store_true")
    parser.add_argument("--jobs", type=int, default=2, help="searches at a time, 2.4 GB each")
    args = parser.parse_args()
    every = {name: (options, False) for name, options in (WORLDS | CODE_WORLDS).items()}
    every |= {f"FAULT_{name}": ({f"FAULT_{name}": 1, **options}, True)
              for name, options in FAULTS.items()}
    every |= {f"code-FAULT_{name}": (fault, True) for name, fault in CODE_FAULTS.items()}
    usual = list(every)
    every |= {name: (options, False) for name, options in LONG_WORLDS.items()}
    if args.list:
        print("\n".join(every))
        return 0
    unknown = [name for name in args.names if name not in every]
    if unknown:
        sys.exit(f"error: there is no {unknown[0]}; see --list")
    diverged = [] if args.names else list(missing_rules())
    for line in diverged:
        print(f"FAIL the model follows the code no more: {line}")
    names = args.names or (list(LONG_WORLDS) if args.long else usual)
    if args.shortest and any(name.startswith("code-") for name in names):
        sys.exit("error: a search of the code tells the shortest way by itself, when it fails")
    if args.shortest:
        for name in names:
            options = every[name][0]
            report, folder = search(name, options, True)
            print(judge(report)[1] or "nothing was found", *story(
                folder, defines(options) + ["-DSHORTEST"]), sep="\n")
        return 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(lambda name: check(name, *every[name]), names))
    faults = [name for name, is_good in zip(names, results) if not is_good]
    print(f"{len(names)} worlds searched, {len(faults)} wrong")
    return 1 if faults or diverged else 0


if __name__ == "__main__":
    sys.exit(main())
