"""What attackers do to a good client: slow heads, endless bodies, deep JSON, enormous answers, in turns.

The good client makes full calls on keep-alive connections at a steady modest rate and writes down how
long each took; each attack runs beside it in a process of its own, after a moment to get going. The
attackers are as many as the goal says, and no faster than an attack needs: they share the cores with
the server and the good client, and their own work is not what is measured.
"""
import asyncio
import multiprocessing
import socket
import statistics
import sys
import time
import urllib.parse

from goals import Goals
from lockstep import read_answer, request
from measure import machine, options, publish
from peers import Field
from stand import Fault
from upstreams import NETSUITE

CONNECTIONS, PACE_S = 4, 0.005
RAMP_S = 3
SLOW = 2000
MORE = 1.5
BIG_ANSWER = 100 * 1024 * 1024


# ---- Attackers: each runs until its process is ended, and counts what it was told ----

async def send(target, pieces, pause, heard):
    """Writes the pieces with a pause between, until the server answers or closes."""
    try:
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
    except OSError:
        heard["refused"] = heard.get("refused", 0) + 1
        await asyncio.sleep(0.1)
        return
    answer = asyncio.ensure_future(reader.read(12))
    try:
        for piece in pieces():
            writer.write(piece)
            await writer.drain()
            done, _ = await asyncio.wait([answer], timeout=pause)
            if done:
                break
        told = (await answer)[9:12].decode() or "cut"
    except OSError:
        told = "cut"
    heard[told] = heard.get(told, 0) + 1
    answer.cancel()
    writer.close()


async def again_and_again(target, pieces, pause, heard, rest):
    while True:
        await send(target, pieces, pause, heard)
        await asyncio.sleep(rest)


def head_of(url, more):
    return ("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%s"
            % (url.path, url.netloc, more)).encode()


async def slow_heads(url, heard):
    def drip():
        yield head_of(url, "X-Slow: ")
        while True:
            yield b"x"
    for _ in range(SLOW):
        asyncio.ensure_future(again_and_again(url, drip, 1.0, heard, 0.5))
        await asyncio.sleep(0.001)


async def endless_bodies(url, heard):
    block = b"x" * 65536

    def announced():
        yield head_of(url, "Content-Length: 1000000000\r\n\r\n")
        while True:
            yield block

    def chunked():
        yield head_of(url, "Transfer-Encoding: chunked\r\n\r\n")
        while True:
            yield b"10000\r\n" + block + b"\r\n"
    for pieces in (announced, announced, chunked, chunked):
        asyncio.ensure_future(again_and_again(url, pieces, 0.001, heard, 0.1))


async def deep_json(url, heard):
    deep = b"[" * 10000 + b"]" * 10000

    def post():
        yield head_of(url, "Content-Length: %d\r\n\r\n" % len(deep)) + deep
    for _ in range(2):
        asyncio.ensure_future(again_and_again(url, post, 1.0, heard, 0.1))


async def enormous_answers(url, heard):
    """Calls of an account whose ERP (see big_upstream) sends 100 MB."""
    def call():
        yield request(url.geturl(), NETSUITE.call())
    for _ in range(2):
        asyncio.ensure_future(again_and_again(url, call, 30.0, heard, 0.2))


ATTACKS = (("%d slow heads" % SLOW, slow_heads), ("bodies of 1 GB", endless_bodies),
           ("10,000-deep JSON", deep_json), ("answers of 100 MB", enormous_answers))


def run_attack(attack, url, counts):
    heard = {}

    async def forever():
        await attack(urllib.parse.urlsplit(url), heard)
        while True:
            counts.update(heard)
            await asyncio.sleep(0.2)
    asyncio.run(forever())


def run_upstream(pipe):
    """Answers every request with the head of a SuiteQL page and 100 MB behind it."""
    block = b" " * 65536

    async def serve(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"]
                await reader.readexactly(int(length[0][15:]) if length else 0)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oracle.resource+json; "
                             b"type=collection\r\nContent-Length: %d\r\n\r\n" % BIG_ANSWER)
                for _ in range(BIG_ANSWER // len(block)):
                    writer.write(block)
                    await writer.drain()
        except (OSError, EOFError):
            writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()
    asyncio.run(main())


# ---- The good client ----

class Good:
    def __init__(self, url):
        split = urllib.parse.urlsplit(url)
        self.message = request(url, NETSUITE.call())
        self.connections = [socket.create_connection((split.hostname, split.port), timeout=30)
                            for _ in range(CONNECTIONS)]

    def call(self, seconds):
        """Milliseconds of each call; the next one is due whether or not the last was slow."""
        took, due, turn = [], time.perf_counter(), 0
        end = due + seconds
        while due < end:
            now = time.perf_counter()
            if now < due:
                time.sleep(due - now)
            connection = self.connections[turn % CONNECTIONS]
            start = time.perf_counter()
            connection.sendall(self.message)
            if b'"isError":true' in read_answer(connection):
                raise Fault("a call of the good client failed")
            took.append(1000 * (time.perf_counter() - start))
            due += PACE_S
            turn += 1
        return sorted(took)


def rss_mb(pid):
    with open("/proc/%d/status" % pid) as status:
        return [int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS")][0]


def one_round(good, pid, attack, url, seconds):
    """(p50, p99, RSS at the end, what the attackers were told)."""
    with multiprocessing.Manager() as manager:
        counts = manager.dict()
        process = None
        if attack is not None:
            process = multiprocessing.Process(target=run_attack, args=(attack, url, counts))
            process.start()
            time.sleep(RAMP_S)
        try:
            took = good.call(seconds)
            return (took[len(took) // 2], took[int(len(took) * 0.99)], rss_mb(pid), dict(counts))
        finally:
            if process is not None:
                process.terminate()
                process.join()
                time.sleep(1)


def measure(chosen):
    ours, theirs = multiprocessing.Pipe()
    upstream = multiprocessing.Process(target=run_upstream, args=(theirs,), daemon=True)
    upstream.start()
    results = {name: [] for name in ("no attack", *(name for name, _ in ATTACKS))}
    try:
        with Field(chosen.bin) as field:
            peer, _ = field.sluice_peer("good client")
            field.stand.mocks["big"] = {"url": "http://127.0.0.1:%d" % ours.recv()}
            body = NETSUITE.account(field.stand, "big")
            account = field.stand.admin("POST", "/integrated-account?verify=false", body)
            big = field.stand.mint(account["id"])["url"]
            pid = field.stand.process("server").pid
            good = Good(peer.url)
            good.call(1)
            for _ in range(chosen.rounds):
                results["no attack"].append(one_round(good, pid, None, None, chosen.seconds))
                for name, attack in ATTACKS:
                    url = big if attack is enormous_answers else peer.url
                    results[name].append(one_round(good, pid, attack, url, chosen.seconds))
    finally:
        upstream.terminate()
        upstream.join()
    return results


def middle(rounds, column):
    return statistics.median(row[column] for row in rounds)


def main():
    chosen = options(__doc__)
    try:
        results = measure(chosen)
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    usual = middle(results["no attack"], 1)
    goals = Goals()
    lines = ["| attack | good client's p50 ms | p99 ms | of rounds | RSS MB | attackers were told |",
             "|---|---|---|---|---|---|"]
    for name, rounds in results.items():
        told = {}
        for row in rounds:
            for what, count in row[3].items():
                told[what] = told.get(what, 0) + count
        lines.append("| %s | %.2f | %.2f | %.2f to %.2f | %.1f | %s |" % (
            name, middle(rounds, 0), middle(rounds, 1), min(r[1] for r in rounds),
            max(r[1] for r in rounds), middle(rounds, 2),
            ", ".join("%s: %d" % pair for pair in sorted(told.items())) or " "))
        if name != "no attack":
            goals.at_most("p99 under %s, beside none" % name, middle(rounds, 1) / usual, MORE, "times")
    publish("hostile", [
        "Full calls, one every %d ms over %d connections, medians of %d rounds of %d s, %d s after the "
        "attack began, states in turns; attackers, good client and server on the same machine; %s."
        % (1000 * PACE_S, CONNECTIONS, chosen.rounds, chosen.seconds, RAMP_S, machine()), ""]
        + lines + goals.table(), chosen.write)
    return goals.verdict(chosen.check)


if __name__ == "__main__":
    sys.exit(main())
