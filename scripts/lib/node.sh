# Sourced by tests that run npm packages: installs tests/clients/package.json (exact versions,
# Node itself included) below build/clients, once per change of that file.
# shellcheck shell=bash

node_place=build/clients

install_node_packages() {
    local wanted=tests/clients/package.json
    mkdir -p "$node_place"
    if cmp -s "$wanted" "$node_place/package.json" && [ -d "$node_place/node_modules" ]; then
        return 0
    fi
    rm -f "$node_place/package.json"
    cp "$wanted" "$node_place/package.json.new"
    if ! (cd "$node_place" && mv package.json.new package.json &&
        npm install --no-audit --no-fund --no-package-lock --loglevel=error); then
        rm -f "$node_place/package.json"
        echo "error: npm could not install the packages of $wanted; these tests need them" >&2
        return 1
    fi
}
