"""Memory: idle, with 10,000 accounts, with 1,000 connections, after they left; beside the peers.

RSS is what the kernel counts for the process, libraries shared with others included; PSS counts
shared pages by their share; anonymous is what the server itself has written to.
"""
import os
import re
import resource
import sys
import time

from goals import Goals
from lockstep import Callers, request
from measure import machine, options, publish, tools
from peers import ECHO, Field, Sdk, modern
from population import ACCOUNTS, AT_ONCE, call_each, create
from stand import Fault
from upstreams import NETSUITE

CONNECTIONS = 1000
IDLE_MB, FULL_MB = 20, 64
SETTLE_S = 12  # the server looks every 10 s whether it has memory to give back


class Book:
    """The states in the order in which they were seen."""

    def __init__(self, pids, rows):
        self.pids, self.rows = pids, rows

    def note(self, state):
        """Reads the memory of its processes now; returns their RSS in MB."""
        row = [0, 0, 0]
        for pid in self.pids():
            with open("/proc/%d/smaps_rollup" % pid) as rollup:
                kilobytes = dict(re.findall(r"^(Rss|Pss|Anonymous): +(\d+) kB$", rollup.read(),
                                            re.M))
            for i, name in enumerate(("Rss", "Pss", "Anonymous")):
                row[i] += int(kilobytes[name]) / 1024
        self.rows.append((state, row))
        return row[0]


def table(rows):
    lines = ["| state | RSS MB | PSS MB | anonymous MB |", "|---|---|---|---|"]
    for state, row in rows:
        lines.append("| %s | %s |" % (state, " | ".join("%.1f" % part for part in row)))
    return lines


def settle(stand):
    """Waits until the server has seen that its clients are gone, and has had time to tidy up."""
    pid = stand.process("server").pid
    end = time.monotonic() + 30
    while time.monotonic() < end and open_sockets(pid) > CONNECTIONS // 2:
        time.sleep(0.1)
    time.sleep(SETTLE_S)


def open_sockets(pid):
    places = "/proc/%d/fd" % pid
    found = 0
    for name in os.listdir(places):
        try:
            found += os.readlink(os.path.join(places, name)).startswith("socket:")
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def with_connections(stand, book, urls, among):
    """The RSS while 1,000 connections are there that have each made a call."""
    body = NETSUITE.call()
    with Callers(stand.base, CONNECTIONS) as callers:
        while open_sockets(stand.process("server").pid) <= CONNECTIONS:
            time.sleep(0.05)
        book.note("%s, %d connections, no call on them" % (among, CONNECTIONS))
        for at in range(0, CONNECTIONS, AT_ONCE):
            part = callers.part(at, AT_ONCE)
            call_each(part, urls[at:at + len(part.connections)], body)
        full = book.note("%s, %d connections, a call on each" % (among, CONNECTIONS))
        call_each(callers, urls[:CONNECTIONS], body, CONNECTIONS)
        book.note("%s, %d connections, after a call on all at once" % (among, CONNECTIONS))
    settle(stand)
    book.note("%s, after the connections have left" % among)
    return full


def one_account(chosen, book_lines):
    """The server as it starts, and with its first account; the RSS at idle."""
    with Field(chosen.bin) as field:
        field.serve()
        book = Book(lambda: [field.stand.process("server").pid], book_lines)
        time.sleep(1)
        idle = book.note("after start, no account")
        urls, _ = create(field, 1)
        with Callers(field.stand.base, AT_ONCE) as callers:
            call_each(callers, urls * 1000, NETSUITE.call())
        book.note("one account, after 1,000 calls")
        with_connections(field.stand, book, urls * CONNECTIONS, "one account")
        return idle


def many_accounts(chosen, book_lines):
    """(how many, RSS with all accounts and connections, seconds to create the accounts)"""
    count = ACCOUNTS // 10 if chosen.quick else ACCOUNTS
    with Field(chosen.bin) as field:
        urls, seconds = create(field, count)
        book = Book(lambda: [field.stand.process("server").pid], book_lines)
        book.note("%d accounts, as they were created" % count)
        field.stand.end("server")
        field.stand.start_server()
        urls = [field.stand.base + url[url.index("/mcp/"):] for url in urls]
        time.sleep(1)
        book.note("%d accounts, after a restart" % count)
        with Callers(field.stand.base, AT_ONCE) as callers:
            call_each(callers, urls, NETSUITE.call())
        book.note("%d accounts, each has been called" % count)
        full = with_connections(field.stand, book, urls, "%d accounts called" % count)
        return count, full, seconds


def beside(chosen, book_lines):
    """The peers of percall, with the same connections."""
    with Field(chosen.bin) as field:
        sdk = field.keep(Sdk())
        for peer in (field.nginx_peer("nginx proxy_pass", NETSUITE, 2),
                     sdk.peer("TypeScript SDK, echo tool", *modern(ECHO))):
            book = Book(peer.pids, book_lines)
            book.note("%s, after its start" % peer.name)
            data = request(peer.url, peer.body, peer.fields)
            with Callers(peer.url, CONNECTIONS) as callers:
                for at in range(0, CONNECTIONS, AT_ONCE):
                    part = callers.part(at, AT_ONCE)
                    part.call([data] * len(part.connections))
                book.note("%s, %d connections, a call on each" % (peer.name, CONNECTIONS))


def main():
    chosen = options(__doc__)
    files = 2 * CONNECTIONS + 200  # ours and the server's, which inherits it
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, min(most, 65536)), most))
    book_lines = []
    try:
        idle = one_account(chosen, book_lines)
        many, full, seconds = many_accounts(chosen, book_lines)
        beside(chosen, book_lines)
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    goals = Goals()
    goals.at_most("RSS at idle", idle, IDLE_MB, "MB")
    goals.at_most("RSS with %d accounts, all called, and %d connections" % (
        ACCOUNTS, CONNECTIONS), full, FULL_MB, "MB")
    publish("memory", [
        "NetSuite accounts with a URL each, results of 2 KB; the accounts took %.0f s to create by the "
        "API, %d requests at a time; %s, %s." % (seconds, AT_ONCE, machine(), tools()), ""] +
        table(book_lines) + goals.table(), chosen.write)
    return goals.verdict(chosen.check)


if __name__ == "__main__":
    sys.exit(main())
