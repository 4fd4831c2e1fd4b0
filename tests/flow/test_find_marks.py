# SPDX-License-Identifier: Apache-2.0
"""The search that scripts/prove-zero-retention relies on finds what it says it finds."""
import os
import subprocess
import sys
import tempfile
import unittest

from flow import BIN, ROOT, main
from marks import LENGTH, PIECE, CannotSearch, Marks, forms, new_text

TOOL = os.path.join(ROOT, BIN, "find-marks")
HOLD = """
import ctypes, sys
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1))  # PR_SET_PTRACER: whoever wants may look
text = bytearray(sys.stdin.buffer.readline().strip())
print("ready", flush=True)
sys.stdin.buffer.readline()
text[:] = bytes(len(text))
print("wiped", flush=True)
sys.stdin.buffer.readline()
"""


class TestFiles(unittest.TestCase):
    def setUp(self):
        self.marks = Marks()
        self.text = self.marks.new("what")

    def finds_in(self, content):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            finds, searched = self.marks.search(TOOL, [file.name])
            self.assertEqual(searched, {file.name: len(content)})
            return finds

    def test_nothing_is_found_where_nothing_is(self):
        self.assertEqual(self.finds_in(os.urandom(300000)), [])
        self.assertEqual(self.finds_in(b""), [])

    def test_every_piece_of_every_form_is_found(self):
        for name, form in forms(self.text.encode()).items():
            for at in range(0, len(form) - PIECE + 1, 17):
                finds = self.finds_in(b"\1" * 101 + form[at:at + PIECE] + b"\1" * 50)
                self.assertEqual([find.address for find in finds], ["65"], name)
                # A piece of digits alone is the same in both cases, for one.
                self.assertIn(form[at:at + PIECE], forms(self.text.encode())[finds[0].form])

    def test_fifteen_bytes_are_no_find(self):
        self.assertEqual(self.finds_in(b"\0" * 40 + self.text.encode()[3:PIECE + 2] + b"\0"), [])

    def test_a_piece_across_two_blocks_is_found(self):
        for at in range(65536 - PIECE, 65537, 3):
            content = bytearray(os.urandom(140000))
            content[at:at + PIECE] = self.text.encode()[5:5 + PIECE]
            self.assertEqual(len(self.finds_in(bytes(content))), 1, at)

    def test_a_whole_mark_is_told_once_with_its_length(self):
        finds = self.finds_in(b"x" * 1000 + self.text.encode() + b"y" * 1000)
        self.assertEqual([find.length for find in finds], [LENGTH])

    def test_the_bytes_of_a_hexadecimal_token_are_found(self):
        token = os.urandom(32)
        self.marks.add("token", token.hex())
        self.assertEqual([(find.mark.what, find.form) for find in self.finds_in(b"a" + token)],
                         [("token", "decoded")])

    def test_base64_is_found_at_each_place_in_a_longer_text(self):
        import base64
        for before in range(6):
            coded = base64.b64encode(b"p" * before + self.text.encode() + b"q" * 3)
            finds = self.finds_in(coded)
            self.assertEqual(len(finds), 1, before)
            self.assertGreaterEqual(finds[0].length, LENGTH * 4 // 3 - 1)

    def test_a_missing_file_is_no_success(self):
        with self.assertRaises(CannotSearch):
            self.marks.search(TOOL, ["/nowhere/at/all"])


class TestMemory(unittest.TestCase):
    """Of a process of our own."""

    def setUp(self):
        self.marks = Marks()
        self.text = self.marks.new("what")
        self.process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.addCleanup(self.process.communicate, b"\n\n\n")

    def say(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def search(self):
        return self.marks.search(TOOL, ["pid:%d" % self.process.pid])

    def test_a_mark_in_memory_is_found_with_its_region(self):
        self.assertEqual(self.say(self.text.encode()), b"ready")
        finds, searched = self.search()
        self.assertTrue(finds)
        self.assertGreater(min(searched.values()), 1 << 20)
        self.assertFalse(finds[0].is_locked)
        self.assertIn("wr", finds[0].flags)
        before = len(finds)
        self.assertEqual(self.say(b""), b"wiped")
        self.assertLess(len(self.search()[0]), before)

    def test_what_is_not_there_is_not_found(self):
        self.assertEqual(self.say(new_text().encode()), b"ready")
        self.assertEqual(self.search()[0], [])

    def test_memory_that_cannot_be_read_is_no_success(self):
        with self.assertRaises(CannotSearch):
            self.marks.search(TOOL, ["pid:999999999"])


if __name__ == "__main__":
    main()
