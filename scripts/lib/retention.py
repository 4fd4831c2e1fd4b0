# SPDX-License-Identifier: Apache-2.0
"""Proves that nothing of a call stays behind, on the running programs.

usage: scripts/prove-zero-retention [--only-control | --no-control] [--verbose]

Starts the mock ERPs and the server on free loopback ports with log.level debug and sends texts
that stand nowhere else (marks: 48 random letters and digits) through every kind of call: list,
get, create, free query, refused arguments, error of the ERP, answer that comes too late, caller that leaves,
event stream, answer that is cut off or malformed, wrong tokens, management calls, changed
credentials, a client certificate, SAP's connectivity proxy and destination service, people at the
connect pages; over NetSuite and SAP, in both eras of MCP. Then searches

  * every file of the data folder, the log, what the server printed, /metrics,
  * the process's environment and command line,
  * all memory of the live process that can be read (/proc/PID/mem): heap, stacks of all threads,
    locked pages, data of the shared libraries,

for every 16-byte piece of every mark: raw, hex, percent-encoded, JSON-escaped, UTF-16 in both
byte orders, base64 and base64url at every alignment, and a token's or key's bytes. Connections of
callers (all of them by the server's own TLS) and to the ERPs are still open then.

While a call is at the ERP, the secrets that signed it and the server's keys are searched for, too.
What may be found, and nothing else, while an account is active: its credentials, the tokens fetched
with them and the server's own keys (that of its certificate as well) and client secret, in pages that
are locked (not swapped) and left out of dumps; the CSRF token and cookies of its SAP session. Then the accounts are deleted and the
search is repeated: now only the server's own keys may be there, in locked pages.

The search itself is proven too: a text that is kept by design is found by it, and programs are
built in which one wipe is missing (cmake/sabotage.cmake); each of them must be found out.

  --no-control    leaves the sabotaged programs out
  --only-control  runs only them
  --verbose       prints every find, also those that are allowed

Exit code 0: nothing was found in the server, and something in every sabotaged one. 1: otherwise.
2: a place could not be searched, so nothing is proven: /proc/PID/mem of a process that forbids
dumps is read by root (CAP_SYS_PTRACE) only.
"""
import argparse
import concurrent.futures
import os
import sys
import time

from marks import CannotSearch
from retention_calls import Calls
from retention_judge import Judge, print_table, show, tell_allowed, tell_searched, tell_sent
from stand import Fault


class FoundOut(Exception):
    """A sabotaged program needs no further calls."""


def run(scene, judge):
    """Sends all and searches all."""
    scene.start()
    scene.send_everything(lambda case: judge.look(case, [judge.memory()]),
                          judge.look_for_secrets)
    scene.wait_for_rest()
    judge.look("at rest", [*judge.files(), judge.memory()])


def prove(bin_dir, tool, verbose):
    """Exit code of the proof on the server as it is."""
    scene = Calls(bin_dir)
    judge = Judge(scene, tool)
    try:
        run(scene, judge)
        judge.check_the_search()
        if verbose:
            show(judge.allowed, 1000)
        tell_allowed(judge)
        scene.delete_accounts()
        scene.wait_for_rest()
        judge.look("accounts deleted", [*judge.files(), judge.memory()],
                   are_accounts_active=False)
        scene.cases += ["at rest", "accounts deleted"]
        tell_sent(scene, judge)
        tell_searched(judge)
        show(judge.all_bad())
        return 1 if judge.bad else 0
    finally:
        scene.stop()


def find_out(bin_dir, tool, program):
    """What the search finds in a program without one wipe; it stops at the first find."""
    scene = Calls(bin_dir, server=program)
    judge = Judge(scene, tool)

    def look(case):
        judge.look(case, [judge.memory()])
        if judge.bad:
            raise FoundOut
    try:
        scene.start()
        scene.send_everything(look, judge.look_for_secrets)
    except FoundOut:
        pass
    finally:
        scene.stop()
    return judge.bad


def control(bin_dir, tool, folder):
    print("The same search on programs in which one wipe is missing:\n")
    programs = sorted(name for name in os.listdir(folder) if name.startswith("sluice-without-"))
    if not programs:
        raise CannotSearch("there is no sabotaged program in %s" % folder)
    rows, missed = [("program", "found after", "finds", "the first")], 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda name: find_out(bin_dir, tool, os.path.join(folder, name)),
                           programs)
        for name, bad in zip(programs, results):
            case = next(iter(bad), None)
            rows.append((name, case or "NEVER", str(len(bad.get(case, []))),
                         "%s as %s" % (bad[case][0].mark.what, bad[case][0].form) if bad else ""))
            missed += not bad
    print_table(rows)
    return 1 if missed else 0


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/prove-zero-retention", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("--no-control", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only-control", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--verbose", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bin", default=os.path.join("build", "bin"), help=argparse.SUPPRESS)
    parser.add_argument("--sabotaged", default=os.path.join("build", "sabotaged"),
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    tool = os.path.join(args.bin, "find-marks")
    started = time.monotonic()
    try:
        code = 0
        if not args.only_control:
            code = prove(args.bin, tool, args.verbose)
        if not args.no_control:
            code = control(args.bin, tool, args.sabotaged) or code
    except (CannotSearch, Fault, AssertionError) as problem:
        print("\nnothing is proven: %s" % problem, file=sys.stderr)
        return 2
    print("\n%s (%.0f s)" % ("Nothing was retained." if code == 0 else "NOT PROVEN.",
                             time.monotonic() - started))
    return code


if __name__ == "__main__":
    sys.exit(main())
