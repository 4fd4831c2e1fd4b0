#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks each rule of check.py once in a small tree and looks whether it is seen."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check  # noqa: E402

HEADERS = """base/arena.h base/secret.h base/jval.h base/jval_private.h io/loop.h io/http_client.h
store/store.h catalog/tool.h governor/governor.h auth/vault.h connectors/connector.h
connectors/registry.h connectors/netsuite/netsuite.h connectors/netsuite/rest.h
connectors/sap/sap.h core/op.h mocks/common/http.h mocks/netsuite/sql.h mocks/sap/odata.h""".split()


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for path in HEADERS:
            self.write(path, "")

    def write(self, path, text, spdx=True):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write((check.SPDX + "\n" if spdx else "") + text)

    def rules(self, path, text, **more):
        self.write(path, text, **more)
        return [rule for at, _, rule, _ in check.check(self.root, headers=False) if at == path]

    def may(self, path, header):
        form = f'#include "{header}"\n' if header in HEADERS else f"#include <{header}>\n"
        found = self.rules(path, form)
        os.unlink(os.path.join(self.root, path))
        return found == []

    def test_includes_follow_the_table(self):
        for path, header, allowed in [
                ("base/a.c", "base/jval_private.h", True), ("base/a.c", "io/loop.h", False),
                ("io/a.c", "base/arena.h", True), ("io/a.c", "store/store.h", False),
                ("io/a.c", "base/jval_private.h", False), ("store/a.c", "io/loop.h", True),
                ("store/a.c", "io/http_client.h", False), ("catalog/a.c", "io/loop.h", False),
                ("governor/a.c", "catalog/tool.h", False), ("auth/a.c", "store/store.h", True),
                ("auth/a.c", "io/http_client.h", True), ("auth/a.c", "core/op.h", False),
                ("connectors/registry.c", "connectors/sap/sap.h", True),
                ("connectors/registry.c", "connectors/netsuite/rest.h", False),
                ("connectors/sap/a.c", "connectors/connector.h", True),
                ("connectors/sap/a.c", "connectors/registry.h", False),
                ("connectors/sap/a.c", "connectors/netsuite/rest.h", False),
                ("connectors/sap/a.c", "auth/vault.h", False),
                ("core/a.c", "connectors/registry.h", True),
                ("core/a.c", "connectors/sap/sap.h", False), ("cli/a.c", "core/op.h", True),
                ("cli/a.c", "mocks/common/http.h", False),
                ("mocks/sap/a.c", "mocks/common/http.h", True),
                ("mocks/sap/a.c", "mocks/netsuite/sql.h", False),
                ("mocks/sap/a.c", "base/arena.h", True), ("mocks/sap/a.c", "base/jval.h", False),
                ("mocks/common/a.c", "io/http_client.h", False),
                ("tests/unit/base/a.c", "base/jval.h", True),
                ("tests/unit/base/a.c", "base/jval_private.h", False)]:
            with self.subTest(path=path, header=header):
                self.assertEqual(self.may(path, header), allowed)

    def test_libraries_stay_in_their_folders(self):
        for path, header, allowed in [
                ("base/secret.c", "openssl/crypto.h", True), ("base/a.c", "openssl/sha.h", False),
                ("io/a.c", "uv.h", True), ("io/a.c", "sqlite3.h", False),
                ("core/a.c", "uv.h", False), ("core/a.c", "jansson.h", True),
                ("governor/a.c", "jansson.h", False), ("governor/a.c", "stdint.h", True),
                ("tests/unit/io/a.c", "uv.h", True), ("tests/unit/base/a.c", "uv.h", False),
                ("mocks/sap/a.c", "curl/curl.h", False), ("core/a.c", "glib.h", False)]:
            with self.subTest(path=path, header=header):
                self.assertEqual(self.may(path, header), allowed)

    def test_an_include_has_to_be_a_path_from_the_root(self):
        self.assertEqual(self.rules("base/a.c", '#include "arena.h"\n'), ["include"])

    def test_banned_names_are_seen_in_code_only(self):
        self.assertEqual(self.rules("base/a.c", "int x = atoi(y);\n"), ["banned"])
        self.assertEqual(self.rules("base/a.c", '/* atoi */ // rand\nchar *s = "gets";\n'), [])
        self.assertEqual(self.rules("auth/a.c", "#include <openssl/rand.h>\n"), [])
        self.assertEqual(self.rules("base/a.c", "int strand = gmtime_r(a, b);\n"), [])

    def test_only_auth_reveals_secrets(self):
        self.assertEqual(self.rules("core/a.c", "secret_reveal(s);\n"), ["secret"])
        self.assertEqual(self.rules("auth/a.c", "secret_reveal(s);\n"), [])
        self.assertEqual(self.rules("base/secret.c", "secret_reveal(s);\n"), [])

    def test_the_licence_line_comes_first(self):
        self.assertEqual(self.rules("base/a.c", "int x;\n", spdx=False), ["licence"])

    def test_paths_of_a_machine_are_seen_everywhere(self):
        for path in ("docs/a.md", "scripts/demo", "base/a.c", "cmake/a.cmake"):
            self.assertEqual(self.rules(path, "see " + check.FORBIDDEN[0] + "x\n"), ["words"])

    def test_a_header_that_leans_on_another_is_seen(self):
        self.write("base/leaning.h", "#pragma once\nsize_t bytes(void);\n")
        faults = check.check(self.root)
        self.assertEqual([(f[0], f[2]) for f in faults], [("base/leaning.h", "header")])

    def test_mutable_globals_are_seen_and_constant_tables_are_not(self):
        text = ("const char *const names[] = {\"a\", \"b\"};\n"
                "static int count, start = 3;\nint *next(void);\nint *first(void);\n"
                "int *next(void)\n{\n    count += start++;\n    return &count;\n}\n"
                "int *first(void)\n{\n    static int inside;\n    return &inside;\n}\n")
        self.write("base/a.c", text)
        out = os.path.join(self.root, "out/CMakeFiles/x.dir/base")
        os.makedirs(out)
        for flags in (["-O0", "-g"], ["-O2", "-fPIE"], ["-g", "-fsanitize=address,undefined"]):
            subprocess.run([os.environ.get("CC", "cc"), "-c", *flags, "-o", out + "/a.c.o",
                            os.path.join(self.root, "base/a.c")], check=True)
            found = list(check.check_objects(self.root, os.path.join(self.root, "out")))
            # A variable inside a function is inside.0 with gcc and first.inside with clang.
            names = [what.split("`")[1].split(".") for _, _, _, what in found]
            self.assertEqual(len(names), 3)
            for name in ("count", "inside", "start"):
                self.assertTrue(any(name in parts for parts in names), name)


if __name__ == "__main__":
    unittest.main()
