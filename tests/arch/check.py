#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the architecture: who may include whom, which names are banned, no mutable globals.

    tests/arch/check.py [--root DIR] [--build DIR] [--no-headers]

Prints `file:line: rule: what is wrong` for each fault and exits 1 if there was one. With --build
(a configured and built CMake folder) the include paths of foreign libraries are taken from there
and the objects in it are searched for mutable file-level variables. --no-headers leaves out the
slowest part, compiling every header by itself.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

# What each folder may include: patterns of paths from the root. Its own headers are always
# allowed; x_private.h never leaves its folder. The order is that of the levels.
PRODUCT = r"(base|io|store|catalog|governor|coordination|auth|connectors|core)/.*"
MOCK_BASE = r"base/(arena|buf|clock|list|map|require|slice)\.h"
INCLUDES = {
    "base": [],
    "io": [r"base/.*"],
    "store": [r"base/.*", r"io/loop\.h"],
    "catalog": [r"base/.*"],
    "governor": [r"base/.*"],
    "coordination": [r"base/.*"],
    "auth": [r"base/.*", r"io/(http_client|http_field|loop)\.h", r"store/store\.h"],
    "connectors": [r"base/.*", r"catalog/.*", r"connectors/(\w+)/\1\.h"],
    "connectors/*": [r"base/.*", r"catalog/.*", r"connectors/(connect_faults|connector|xml)\.h"],
    "core": [r"base/.*", r"io/.*", r"catalog/.*", r"governor/.*",
             r"coordination/.*", r"auth/.*", r"store/.*",
             r"connectors/(connector|registry)\.h"],
    "cli": [PRODUCT],
    "mocks/common": [MOCK_BASE],
    "mocks/*": [MOCK_BASE, r"mocks/common/.*"],
    "tests": [PRODUCT, r"(cli|mocks|tests)/.*"],
    "bench": [PRODUCT, r"(mocks|tests)/.*"],
    "fuzz": [PRODUCT, r"(mocks|tests)/.*"],
}

# Foreign libraries by the first part of their header's name.
LIBRARIES = {
    r"uv(\.h|/.*)": "libuv", r"llhttp\.h": "llhttp", r"curl/.*": "libcurl",
    r"openssl/.*": "OpenSSL", r"sqlite3\.h": "SQLite",
    r"jansson\.h": "jansson", r"libxml/.*": "libxml2",
    r"pcre2\.h": "PCRE2", r"hiredis/.*": "hiredis", r"cmocka\.h": "cmocka",
    r"(lua|lualib|lauxlib)\.h": "Lua",
}
USES = {
    "base": [],
    "io": ["libuv", "llhttp", "libcurl", "OpenSSL", "hiredis"],
    "store": ["SQLite"],
    "catalog": ["jansson", "PCRE2"],
    "governor": [],
    "coordination": [],
    "auth": ["OpenSSL", "jansson"],
    "connectors": ["libxml2"],
    "connectors/*": [],
    "core": ["jansson"],
    "cli": ["jansson"],
    "mocks/common": ["libuv", "llhttp", "OpenSSL", "SQLite", "jansson", "libxml2"],
    "mocks/*": ["libuv", "llhttp", "OpenSSL", "SQLite", "jansson", "libxml2"],
    "tests": ["cmocka", "jansson", "Lua"],
    "bench": [],
    "fuzz": [],
}
# The exceptions: single files, with their reason.
USES_OF_FILE = {
    "base/secret.c": ["OpenSSL"],  # comparison in constant time
    "fuzz/fuzz_url.c": ["libcurl"],  # a second reader of URLs, to be compared with ours
    "tests/sabotage/unwiped.h": ["OpenSSL"],  # compiled into io/tls.c in place of its settings
}
SYSTEM = set("""
assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar
wchar wctype aio dirent dlfcn endian fcntl fnmatch ftw getopt glob grp iconv ifaddrs langinfo
libgen netdb poll pthread pwd regex sched search semaphore spawn strings sysexits syslog termios
unistd utime malloc execinfo emmintrin
""".split())
SYSTEM_FOLDERS = ("sys/", "netinet/", "arpa/", "net/", "linux/", "sanitizer/")

BANNED = "sprintf strcpy strcat strtok atoi gets localtime gmtime rand alloca".split()
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */"
# Paths of a machine and of a build of one person. Written in two pieces, as this file is searched.
FORBIDDEN = ["/" + "work/", "/tmp/" + "b-", "/" + "home/", "/" + "root/"]
TEXT_FOLDERS = list(dict.fromkeys(folder.split("/")[0] for folder in INCLUDES)) + [
    "cmake", "docs", "scripts", "web", "packaging"]
TEXT_ENDS = (".c", ".h", ".py", ".sh", ".md", ".json", ".txt", ".cmake", ".sql", ".js", ".ts",
             ".mjs", ".yml", ".yaml", ".html")

INCLUDE_LINE = re.compile(r'^\s*#\s*include\s*(<([^>]+)>|"([^"]+)")')
TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def key_of(path, table):
    """The table's row for a file: its folder, `parent/*`, or the top folder."""
    parts = path.split("/")[:-1]
    folder = "/".join(parts[:2])
    if folder in table:
        return folder
    if len(parts) > 1 and parts[0] + "/*" in table:
        return parts[0] + "/*"
    return parts[0] if parts and parts[0] in table else None


def is_own(path, header):
    """Whether the header belongs to the file's own folder (connectors/x and mocks/x are two)."""
    depth = 2 if path.split("/")[0] in ("connectors", "mocks", "tests") else 1
    owner = path.split("/")[:-1][:depth]
    return header.split("/")[:-1][:depth] == owner


def bare(text):
    """The text without comments and literals; line numbers stay."""
    return TOKENS.sub(lambda found: "\n" * found.group().count("\n"), text)


def library_of(header):
    for pattern, name in LIBRARIES.items():
        if re.fullmatch(pattern, header):
            return name
    return None


def check_library(path, header):
    name = library_of(header)
    if name is None:
        known = header.startswith(SYSTEM_FOLDERS) or header.removesuffix(".h") in SYSTEM
        return None if known else f"<{header}> is no header this project knows"
    key = key_of(path, USES)
    allowed = USES.get(key, []) + USES_OF_FILE.get(path, [])
    unit = re.match(r"tests/(?:unit|fault|contract)/(\w+)/", path)
    if unit:  # a folder's tests may look at the libraries of that folder
        allowed = allowed + USES.get(unit.group(1), [])
    return None if name in allowed else f"{key}/ may not use {name} (<{header}>)"


def check_own_header(root, path, header):
    if not os.path.exists(os.path.join(root, header)):
        return f'"{header}" is not a path from the root'
    if is_own(path, header):
        return None
    if header.endswith("_private.h"):
        return f"{header} is private to its folder"
    key = key_of(path, INCLUDES)
    if any(re.fullmatch(pattern, header) for pattern in INCLUDES[key]):
        return None
    return f"{key}/ may not include {header}"


def check_source(root, path, text):
    """Faults of one .c or .h: (line, rule, what)."""
    if text.split("\n", 1)[0] != SPDX:
        yield 1, "licence", f"the first line is not {SPDX}"
    for number, line in enumerate(text.split("\n"), 1):
        found = INCLUDE_LINE.match(line)
        if found:
            what = (check_library(path, found.group(2)) if found.group(2)
                    else check_own_header(root, path, found.group(3)))
            if what:
                yield number, "include", what
    may_reveal = path.startswith(("auth/", "tests/")) or path in ("base/secret.c", "base/secret.h")
    for number, line in enumerate(bare(text).split("\n"), 1):
        if INCLUDE_LINE.match(line):
            continue  # <openssl/rand.h> is a path, not a use
        for name in BANNED:
            if re.search(rf"\b{name}\b", line):
                yield number, "banned", f"{name} is not to be used"
        if not may_reveal and re.search(r"\bsecret_reveal\b", line):
            yield number, "secret", "secret_reveal may stand in base/secret.[ch] and auth/ only"


def check_words(text):
    for number, line in enumerate(text.split("\n"), 1):
        for word in FORBIDDEN:
            if word in line:
                yield number, "words", f"a path of one machine: {word}"


def files_of(root):
    """Paths of the text files, from the root; build output and hidden folders are left out."""
    for name in sorted(os.listdir(root)):
        if name.endswith(TEXT_ENDS) and os.path.isfile(os.path.join(root, name)):
            yield name
    for folder in TEXT_FOLDERS:
        for at, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders
                                if not f.startswith(".") and f not in ("node_modules", "corpus"))
            for name in sorted(names):
                if name.endswith(TEXT_ENDS) or (folder == "scripts" and "." not in name):
                    yield os.path.relpath(os.path.join(at, name), root)


def pkg_config_flags():
    names = "libuv libcurl libcrypto jansson sqlite3 libxml-2.0 libllhttp hiredis cmocka".split()
    flags = []
    for name in names:
        got = subprocess.run(["pkg-config", "--cflags", name], capture_output=True, text=True,
                             check=False)
        flags += shlex.split(got.stdout) if got.returncode == 0 else []
    return flags


def build_flags(build):
    """Include paths that the build uses, so that libraries outside the system are found."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = [shlex.split(entry["command"]) for entry in json.load(file)]
    flags = {}
    for words in commands:
        for word, after in zip(words, words[1:] + [""]):
            if word == "-isystem":
                flags[(word, after)] = None
            elif word.startswith("-I"):
                flags[(word,)] = None
    return [word for flag in flags for word in flag]


def check_header_alone(root, path, flags):
    """Whether a header compiles when nothing stands before it."""
    command = [os.environ.get("CC", "cc"), "-std=c11", "-D_POSIX_C_SOURCE=200809L",
               "-D_DEFAULT_SOURCE", "-fsyntax-only", "-Wall", "-Werror", "-I", root, *flags,
               "-x", "c", "-"]
    # Included twice, so that a missing guard is seen too.
    text = f'#include "{path}"\n#include "{path}"\nextern int alone;\n'
    got = subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                         cwd=root)
    if got.returncode == 0:
        return None
    reasons = [line for line in got.stderr.split("\n") if "error" in line]
    return reasons[0] if reasons else "does not compile alone"


def check_headers(root, paths, flags):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: check_header_alone(root, path, flags), paths)
        for path, what in zip(paths, results):
            if what:
                yield path, 1, "header", what


def objects_of(root, build):
    """(object, source) of the program's own folders; objects of removed sources are left out."""
    tops = "|".join(top for top in TEXT_FOLDERS if top not in ("tests", "bench", "fuzz"))
    pattern = re.compile(rf"CMakeFiles/[^/]+\.dir/((?:{tops})/.*\.c)\.o$")
    for at, _, names in os.walk(build):
        for name in sorted(names):
            found = pattern.search(os.path.join(at, name))
            if found and os.path.exists(os.path.join(root, found.group(1))):
                yield os.path.join(at, name), found.group(1)


def mutable_symbols(path):
    """Objects in writable sections. Constant tables of pointers lie in .data.rel.ro: fine."""
    table = subprocess.run(["objdump", "-t", path], capture_output=True, text=True, check=True)
    for line in table.stdout.split("\n"):
        found = re.match(r"^[0-9a-f]+ .{7} (\S+)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$", line)
        if not found:
            continue
        section, name = found.groups()
        writable = section == "*COM*" or re.match(r"\.(data|bss|tdata|tbss)\b", section)
        constant = section.startswith(".data.rel.ro")
        made_by_compiler = re.match(
            r"[.*]|_*(asan|ubsan|odr_asan|sancov|llvm|gcov|prof)|L(ASAN|ubsan)|__unnamed_", name)
        if writable and not constant and not made_by_compiler:
            yield name


# Libraries ask their allocator for memory without saying on whose behalf.
GLOBALS = {("base/memory.c", "spares")}


def check_objects(root, build):
    for path, source in objects_of(root, build):
        for name in mutable_symbols(path):
            if (source, name) not in GLOBALS:
                yield source, 1, "global", f"`{name}` is a mutable file-level variable"


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def check(root, build=None, headers=True):
    faults, alone = [], []
    for path in files_of(root):
        try:
            text = read(root, path)
        except UnicodeDecodeError:
            faults.append((path, 1, "words", "the file is not UTF-8"))
            continue
        found = list(check_words(text))
        if path.endswith((".c", ".h")) and key_of(path, INCLUDES):
            found += check_source(root, path, text)
        if path.endswith(".h"):
            alone.append(path)
        faults += [(path, *fault) for fault in found]
    if headers:
        flags = pkg_config_flags() + (build_flags(build) if build else [])
        faults += check_headers(root, alone, flags)
    if build:
        faults += sorted(set(check_objects(root, build)))
    return faults


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--build")
    parser.add_argument("--no-headers", action="store_true")
    args = parser.parse_args()
    faults = check(os.path.abspath(args.root), args.build, not args.no_headers)
    for path, line, rule, what in faults:
        print(f"{path}:{line}: {rule}: {what}")
    if not args.build:
        print("skipped: mutable globals (no --build)")
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
