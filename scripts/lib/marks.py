# SPDX-License-Identifier: Apache-2.0
"""Marks: texts that stand nowhere else, the forms they may hide in, and the search for them."""
import base64
import os
import secrets
import string
import subprocess
import tempfile

ALPHABET = string.ascii_letters + string.digits
LENGTH = 48     # characters of a mark
PIECE = 16      # bytes that count as a find; tests/tools/find_marks.c has the same number
# Where a mark may stand: nowhere; in locked pages of the process while its account is active; there
# for as long as the server runs (its own secrets); in the process's memory while its account is
# active; wherever it likes (the control of the search itself).
NOWHERE, LOCKED, OWN, SESSION, KEPT = "nowhere", "locked", "own", "session", "kept"


class CannotSearch(Exception):
    """Nothing is proven."""


def new_text():
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def base64_forms(data):
    """What of the bytes shows in base64, wherever in a longer text they stand."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + data + b"\0" * 3)
        first = -(-shift * 8 // 6)           # characters that hold bits of the bytes before
        last = (shift + len(data)) * 8 // 6  # whole characters of ours
        yield shift, coded[first:last]


def forms(data):
    """{name: bytes} of everything that is searched for."""
    text = data.decode("latin-1")
    found = {
        "raw": data,
        "hex": data.hex().encode(),
        "HEX": data.hex().upper().encode(),
        "percent": b"".join(b"%%%02x" % byte for byte in data),
        "PERCENT": b"".join(b"%%%02X" % byte for byte in data),
        "json": b"".join(b"\\u%04x" % byte for byte in data),
        "JSON": b"".join(b"\\u%04X" % byte for byte in data),
        "utf16le": text.encode("utf-16-le"),
        "utf16be": text.encode("utf-16-be"),
    }
    for shift, coded in base64_forms(data):
        found["base64+%d" % shift] = coded
        found["base64url+%d" % shift] = coded.replace(b"+", b"-").replace(b"/", b"_")
    if len(data) >= 2 * PIECE and all(c in "0123456789abcdef" for c in text):
        found["decoded"] = bytes.fromhex(text)
    return {name: form for name, form in found.items() if len(form) >= PIECE}


class Mark:
    def __init__(self, what, data, allowed):
        self.what, self.data, self.allowed = what, data, allowed


class Find:
    """A piece of a mark in a place."""

    def __init__(self, mark, form, place, address, length, region, flags):
        self.mark, self.form, self.place, self.address = mark, form, place, address
        self.length, self.region, self.flags = length, region, flags

    @property
    def is_locked(self):
        """In pages that are neither swapped (lo) nor dumped (dd)."""
        return "lo" in self.flags and "dd" in self.flags

    def __str__(self):
        return "%s as %s: %d bytes at %s in %s of %s [%s]" % (
            self.mark.what, self.form, self.length, self.address, self.region, self.place,
            " ".join(self.flags))


class Marks:
    def __init__(self):
        self.marks = []

    def new(self, what, allowed=NOWHERE):
        """A text of its own; where it may stand is said here and nowhere else."""
        text = new_text()
        self.add(what, text, allowed)
        return text

    def number(self, what, digits=36):
        """The same of decimal digits."""
        text = secrets.choice("123456789") + "".join(secrets.choice(string.digits)
                                                     for _ in range(digits - 1))
        self.add(what, text)
        return text

    def add(self, what, text, allowed=NOWHERE):
        data = text.encode() if isinstance(text, str) else bytes(text)
        if len(data) < PIECE:
            raise ValueError("%s is too short to be told from other bytes" % what)
        if all(mark.data != data for mark in self.marks):
            self.marks.append(Mark(what, data, allowed))

    def search(self, tool, places, wanted=lambda mark: True):
        """(finds, {place: bytes searched}) of the wanted marks; raises CannotSearch when a place was
        left out."""
        named = {}
        with tempfile.NamedTemporaryFile("w", prefix="sluice-marks-") as patterns:
            for number, mark in enumerate(self.marks):
                if not wanted(mark):
                    continue
                for form, data in forms(mark.data).items():
                    named["%d.%s" % (number, form)] = (mark, form)
                    patterns.write("%d.%s %s\n" % (number, form, data.hex()))
            patterns.flush()
            done = subprocess.run([tool, patterns.name, *places], capture_output=True,
                                  text=True, errors="replace", check=False)
        if done.returncode not in (0, 1):
            raise CannotSearch(done.stderr.strip() or "find-marks ended with %d" %
                               done.returncode)
        finds, searched = [], {}
        for line in done.stdout.splitlines():
            fields = line.split("\t")
            if fields[0] == "searched":
                searched[fields[1]] = int(fields[2])
            elif fields[0] == "found":
                mark, form = named[fields[1]]
                finds.append(Find(mark, form, fields[2], fields[3], int(fields[4]), fields[5],
                                  fields[6].split()))
        missing = [place for place in places if place not in searched]
        if missing:
            raise CannotSearch("not searched: %s" % ", ".join(missing))
        return finds, searched


def files_under(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
