#!/usr/bin/env bash
# clang-tidy over the product's own sources, by the release build's compile commands.
set -u
cd "$(dirname "$0")/../.." || exit 1
[ -f build/release/compile_commands.json ] || cmake --preset release >/dev/null || exit 1
git ls-files 'base/*.c' 'io/*.c' 'store/*.c' 'catalog/*.c' 'governor/*.c' 'coordination/*.c' 'auth/*.c' \
    'connectors/*.c' 'core/*.c' 'cli/*.c' |
    xargs -P 2 -n 8 clang-tidy --quiet -p build/release --extra-arg=-Wno-unknown-warning-option
