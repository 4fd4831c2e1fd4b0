# SPDX-License-Identifier: Apache-2.0
"""The proof of zero retention: where is searched, what may be found there, how it is told."""
import os
import time

from marks import KEPT, LOCKED, OWN, SESSION, CannotSearch, files_under, forms
from stand import exchange

PATIENCE = 2  # seconds until a find counts as left behind
SECRETS = ("consumer_secret", "token_secret", "client secret", "key", "listener's key",
           "listener's key, reversed", "connect client secret")  # never sent with a call


class Judge:
    """Looks everywhere, and says what is too much."""

    def __init__(self, scene, tool):
        self.scene, self.tool = scene, tool
        self.searched = {}
        self.bad = {}      # case -> what should not be there
        self.allowed = []  # of the last search

    def files(self):
        stand = self.scene.stand
        metrics = os.path.join(stand.scratch, "metrics")
        with open(metrics, "wb") as file:
            file.write(exchange(stand.base, "GET", "/metrics", trust=stand.trust)[2])
        pid = stand.process("server").pid
        return [*files_under(stand.data_dir), stand.log_path, metrics,
                "/proc/%d/environ" % pid, "/proc/%d/cmdline" % pid]

    def memory(self):
        return "pid:%d" % self.scene.stand.process("server").pid

    def name_of(self, place):
        if place.startswith("pid:"):
            return "memory of the process"
        if place.startswith("/proc/"):
            return place.split("/")[-1] + " of the process"
        return os.path.relpath(place, self.scene.stand.scratch)

    def look(self, case, places, are_accounts_active=True):
        """Looks again while there is something: the server may be about to clean up."""
        end = time.monotonic() + PATIENCE
        while True:
            finds, searched = self.scene.marks.search(self.tool, places)
            bad = [find for find in finds if not self.is_allowed(find, are_accounts_active)]
            if not bad or time.monotonic() > end:
                break
            time.sleep(0.1)
        for place, count in searched.items():
            name = self.name_of(place)
            times, _ = self.searched.get(name, (0, 0))
            self.searched[name] = times + 1, count
        self.allowed = [find for find in finds if find not in bad]
        if bad:
            self.bad.setdefault(case, []).extend(bad)

    def look_for_secrets(self, case):
        """While a call is at the ERP: its arguments are in memory then, secrets are not."""
        finds, _ = self.scene.marks.search(self.tool, [self.memory()],
                                           lambda mark: mark.what.split(": ")[1] in SECRETS)
        bad = [find for find in finds if not self.is_allowed(find, True)]
        if bad:
            self.bad.setdefault(case, []).extend(bad)

    @staticmethod
    def is_allowed(find, are_accounts_active):
        allowed = find.mark.allowed
        if allowed == KEPT:
            return True
        if not find.place.startswith("pid:"):
            return False
        if allowed in (LOCKED, OWN):
            return find.is_locked and (are_accounts_active or allowed == OWN)
        return allowed == SESSION and are_accounts_active

    def all_bad(self):
        return [find for finds in self.bad.values() for find in finds]

    def check_the_search(self):
        """Before "nothing was found" means anything."""
        kept = [find for find in self.allowed if find.mark.allowed == KEPT]
        if not any(find.place.startswith("pid:") for find in kept):
            raise CannotSearch("an account's name, kept by design, was not found in memory")
        if not any(".db" in find.place for find in kept):
            raise CannotSearch("an account's name, kept by design, was not found in a file")
        if not any(find.is_locked for find in self.allowed):
            raise CannotSearch("no credential was found in locked pages, where they are kept: "
                               "raise RLIMIT_MEMLOCK")


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    print()


def in_words(count):
    return "%d FINDS" % count if count else "nothing"


def tell_sent(scene, judge):
    rows = [("sent through", "marks", "patterns", "found after it")]
    for case in ["set-up"] + scene.cases:
        marks = [mark for mark in scene.marks.marks if mark.what.startswith(case + ":")]
        patterns = sum(len(forms(mark.data)) for mark in marks)
        rows.append((case, str(len(marks)), str(patterns),
                     "" if case == "set-up" else in_words(len(judge.bad.get(case, [])))))
    print_table(rows)


def tell_searched(judge):
    rows = [("searched", "times", "bytes", "found")]
    for name, (times, count) in judge.searched.items():
        hits = len([find for find in judge.all_bad() if judge.name_of(find.place) == name])
        rows.append((name, str(times), "{:,}".format(count), in_words(hits)))
    print_table(rows)


def tell_allowed(judge):
    for allowed, words in ((LOCKED, "of credentials and tokens, each in locked pages (VmFlags lo, "
                                    "dd)"),
                           (OWN, "of the server's own keys and secrets, in locked pages too"),
                           (SESSION, "of CSRF tokens and cookies of an SAP session"),
                           (KEPT, "of an account's name (shows that the search finds)")):
        count = len([find for find in judge.allowed if find.mark.allowed == allowed])
        print("  allowed while accounts are active: %d finds %s" % (count, words))
    print()


def show(finds, most=40):
    for find in finds[:most]:
        print("  found: %s" % find)
    if len(finds) > most:
        print("  ... and %d more" % (len(finds) - most))
