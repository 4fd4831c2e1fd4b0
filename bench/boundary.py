"""Dead URLs take the same time: unknown, malformed, expired and revoked, interleaved at random.

5,000 requests of each kind over one keep-alive connection; the medians may differ by 5 %. A noisy
machine gets up to three tries; each is printed. The answers must be the same bytes.
"""
import argparse
import os
import random
import re
import socket
import sqlite3
import statistics
import sys
import time
import urllib.parse

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))
from stand import Stand  # noqa: E402

EACH = 5000
SPREAD = 0.05
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
        answer += connection.recv(65536)
        head, sep, body = answer.partition(b"\r\n\r\n")
        if sep and len(body) >= int(re.search(rb"(?i)content-length: (\d+)", head).group(1)):
            break
    took = time.perf_counter_ns() - begun
    return took, re.sub(rb"(?i)\r\ndate:[^\r]*", b"", answer)


def prepare(stand):
    """One token of each kind; the expired one is made so in the database while nobody runs."""
    stand.start_mock("netsuite")
    stand.start_server()
    account = stand.connect_netsuite()
    expired = stand.mint(account["id"])
    revoked = stand.mint(account["id"])
    stand.admin("DELETE", "/integrated-account/%s/mcp/%s" % (account["id"], revoked["id"]))
    stand.end("server")
    with sqlite3.connect(os.path.join(stand.data_dir, "sluice.db")) as database:
        names = [row[0] for row in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%expires_ms%'")]
        for name in names:
            if name != "api_token":
                database.execute("UPDATE %s SET expires_ms = 1000" % name)
    database.close()
    stand.start_server()
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
    return times, answers


def main():
    argparse.ArgumentParser(description=__doc__).parse_known_args()
    stand = Stand("build/bin")
    try:
        tokens = prepare(stand)
        for attempt in range(1, 4):
            times, answers = measure(stand, tokens)
            medians = {kind: statistics.median(took) / 1000 for kind, took in times.items()}
            spread = max(medians.values()) / min(medians.values()) - 1
            print("try %d, %d requests of each kind, %d different answer(s)" %
                  (attempt, EACH, len(answers)))
            for kind, took in times.items():
                print("  %-10s median %6.1f us, p99 %6.1f us" %
                      (kind, medians[kind], sorted(took)[len(took) * 99 // 100] / 1000))
            print("  medians spread %.1f %%" % (100 * spread))
            if len(answers) == 1 and spread <= SPREAD:
                return 0
        return 1
    finally:
        stand.stop()


if __name__ == "__main__":
    sys.exit(main())
