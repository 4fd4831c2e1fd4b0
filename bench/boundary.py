"""Dead URLs take the same time: unknown, malformed, expired and revoked, interleaved at random.

5,000 requests of each kind over one keep-alive connection; the medians may differ by 5 %, and the
answers must be the same bytes. Machines are noisy: up to three rounds are tried, each is printed,
one good round is enough.
"""
import os
import random
import re
import socket
import sqlite3
import statistics
import sys
import time
import urllib.parse

from measure import machine, options, publish
from stand import Fault, Stand

EACH = 5000
ROUNDS = 3
SPREAD = 0.05
LONG_AGO_MS = 1000
TABLES = ("url_token", "server_token")
BODY = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


def token_of(server):
    return server["url"].rsplit("/", 1)[1]


def request(host, token):
    return (b"POST /mcp/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (token.encode(), host, len(BODY), BODY))


def ask(connection, data):
    """(nanoseconds, answer without its Date)."""
    begun = time.perf_counter_ns()
    connection.sendall(data)
    answer = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            raise Fault("the server closed the connection")
        answer += piece
        head, sep, body = answer.partition(b"\r\n\r\n")
        if sep and len(body) >= int(re.search(rb"(?i)content-length: (\d+)", head).group(1)):
            break
    took = time.perf_counter_ns() - begun
    return took, re.sub(rb"(?i)\r\ndate:[^\r]*", b"", answer)


def in_store(stand, what, *values):
    """Runs the statement on both tables of tokens; how many rows each has touched or counted."""
    database = sqlite3.connect(os.path.join(stand.data_dir, "sluice.db"))
    try:
        with database:
            cursors = [database.execute(what % table, values) for table in TABLES]
            return [cursor.fetchone()[0] if cursor.description else cursor.rowcount
                    for cursor in cursors]
    finally:
        database.close()


def prepare(stand):
    """One token of each kind. The expired one is made so in the database, while the server runs: it
    purges at its start, and every minute."""
    stand.start_mock("netsuite")
    stand.start_server()
    account = stand.connect_netsuite()
    expired = stand.mint(account["id"])
    revoked = stand.mint(account["id"])
    stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"], revoked["id"]))
    if in_store(stand, "UPDATE %s SET expires_ms = ? WHERE server = ?", LONG_AGO_MS,
                expired["id"]) != [1, 1]:
        raise Fault("the token's two entries are not where they are looked for")
    return {"unknown": "0123456789abcdef" * 4, "malformed": "zz-not-a-token",
            "expired": token_of(expired), "revoked": token_of(revoked)}


def measure(stand, tokens):
    url = urllib.parse.urlsplit(stand.base)
    host = url.netloc.encode()
    requests = {kind: request(host, token) for kind, token in tokens.items()}
    order = [kind for kind in requests for _ in range(EACH)]
    random.shuffle(order)
    times = {kind: [] for kind in requests}
    answers = set()
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for kind in list(requests) * 50:
            ask(connection, requests[kind])
        for kind in order:
            took, answer = ask(connection, requests[kind])
            times[kind].append(took)
            answers.add(answer)
    if any(not answer.startswith(b"HTTP/1.1 401 ") for answer in answers):
        raise Fault("a dead URL was not answered 401")
    # A timer purges what has expired; had it, the round would have measured unknown ones twice.
    if in_store(stand, "SELECT count(*) FROM %s WHERE expires_ms = ?", LONG_AGO_MS) != [1, 1]:
        raise Fault("the expired token was purged before the round was over; run it again")
    return times, answers


def report(attempt, times, answers):
    """(lines, whether the round passes)."""
    medians = {kind: statistics.median(took) / 1000 for kind, took in times.items()}
    spread = max(medians.values()) / min(medians.values()) - 1
    lines = ["| URL token | median µs | p99 µs |", "|---|---|---|"]
    for kind, took in times.items():
        lines.append("| %s | %.1f | %.1f |" %
                     (kind, medians[kind], sorted(took)[len(took) * 99 // 100] / 1000))
    lines += ["", "Medians within %.1f %% (%d %% allowed), %s, round %d of at most %d; "
              "%d requests of each kind in random order on one connection; %s." %
              (100 * spread, 100 * SPREAD,
               "the same bytes for all" if len(answers) == 1 else
               "%d DIFFERENT ANSWERS" % len(answers), attempt, ROUNDS, EACH, machine())]
    return lines, len(answers) == 1 and spread <= SPREAD


def main():
    chosen = options(__doc__)
    stand = Stand(chosen.bin)
    try:
        tokens = prepare(stand)
        for attempt in range(1, ROUNDS + 1):
            lines, passes = report(attempt, *measure(stand, tokens))
            publish("boundary", lines, chosen.write and passes)
            if passes:
                return 0
        print("error: in none of %d rounds were they alike" % ROUNDS, file=sys.stderr)
        return 1
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    finally:
        stand.stop()


if __name__ == "__main__":
    sys.exit(main())
