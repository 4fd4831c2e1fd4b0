"""What attackers do to a good client: slow heads, endless bodies, deep JSON, enormous answers, in turns.

What is measured is the server and not who else wants its processor: the server has a core to itself;
good client, ERP and attackers share another, the attackers with what the others leave of it. Who may
(CAP_SYS_NICE) runs all but the attackers ahead of everything else on the machine; who may not runs
the attackers behind it. nginx as a proxy before the same ERP stands in the server's place in turns: under the
same attack it shows what is the machine's. The server's own word is beside that of the good client:
its CPU, how long it waited for its core, and how long the turns of its event loop took.
"""
import contextlib
import gc
import multiprocessing
import os
import re
import select
import socket
import statistics
import sys
import threading
import time
import urllib.parse

from goals import Goals
from lockstep import read_answer, request
from measure import machine, options, publish
from peers import Field
from stand import Fault, exchange
from upstreams import NETSUITE, Nginx

CONNECTIONS, PACE_S = 4, 0.002
RAMP_S = 1
SLOW, DRIP_S, HEAD_S = 2000, 1.0, 10
MORE = 1.5
BIG_ANSWER = 100 * 1024 * 1024
BLOCK, BLOCK_S = b"x" * 65536, 0.001  # what a body or an answer without end comes in: 64 MB/s
LONG_MS = 1


@contextlib.contextmanager
def on_core(core):
    """What is started meanwhile runs there, and so do its threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def go_ahead():
    """Whether this process, and what it starts, now runs before all that has no such right."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    return os.sched_getscheduler(0) == os.SCHED_RR


def only_what_is_left():
    is_ahead = os.sched_getscheduler(0) == os.SCHED_RR
    os.sched_setscheduler(0, os.SCHED_OTHER if is_ahead else os.SCHED_IDLE, os.sched_param(0))


# ---- Attackers: each runs until its process is ended, and counts what it was told ----

class Heard:
    def __init__(self):
        self.counts = {}

    def note(self, told):
        self.counts[told] = self.counts.get(told, 0) + 1


def told_by(connection):
    try:
        return connection.recv(12)[9:12].decode("latin-1") or "cut"
    except OSError:
        return "cut"


def send(target, pieces, heard):
    """Writes the pieces, each when the socket takes it, until the server answers or closes."""
    try:
        with socket.create_connection((target.hostname, target.port), timeout=30) as connection:
            try:
                for piece in pieces():
                    connection.sendall(piece)
                    if select.select([connection], [], [], BLOCK_S)[0]:
                        break
            except OSError:
                pass  # the answer may be there all the same
            heard.note(told_by(connection))
    except OSError:
        heard.note("refused")


def again_and_again(target, pieces, heard, rest):
    while True:
        send(target, pieces, heard)
        time.sleep(rest)


def start(callers):
    for words in callers:
        threading.Thread(target=again_and_again, args=words, daemon=True).start()


def head_of(url, more):
    return ("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%s"
            % (url.path, url.netloc, more)).encode()


def slow_heads(url, heard):
    """All at once, then a byte a second on each; who is answered or cut comes back at once."""
    poll, heads, opened = select.epoll(), {}, head_of(url, "X-Slow: ")

    def connect():
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((url.hostname, url.port))
        heads[one.fileno()] = [one, opened]
        poll.register(one, select.EPOLLIN)

    def drip(number):
        one, bytes_left = heads[number]
        try:
            one.send(bytes_left)
            heads[number][1] = b"x"
        except BlockingIOError:
            pass  # not connected yet
        except OSError:
            pass  # the poll has it

    for _ in range(SLOW):
        connect()
    turn, due = [], time.monotonic()
    step = 20
    while True:
        for number, _ in poll.poll(0):
            one, _ = heads.pop(number)
            heard.note(told_by(one))
            one.close()
            connect()
        turn = turn or list(heads)
        for number in [turn.pop() for _ in range(min(step, len(turn)))]:
            if number in heads:
                drip(number)
        due = max(due + DRIP_S * step / SLOW, time.monotonic() - DRIP_S)
        time.sleep(max(0, due - time.monotonic()))


def endless_bodies(url, heard):
    def announced():
        yield head_of(url, "Content-Length: 1000000000\r\n\r\n")
        while True:
            yield BLOCK

    def chunked():
        yield head_of(url, "Transfer-Encoding: chunked\r\n\r\n")
        while True:
            yield b"10000\r\n" + BLOCK + b"\r\n"
    start((url, pieces, heard, 0.1) for pieces in (announced, announced, chunked, chunked))


def deep_json(url, heard):
    deep = b"[" * 10000 + b"]" * 10000

    def post():
        yield head_of(url, "Content-Length: %d\r\n\r\n" % len(deep)) + deep
    start((url, post, heard, 0.1) for _ in range(2))


def enormous_answers(url, heard):
    """Calls of an account whose ERP (see run_upstream) sends 100 MB."""
    def call():
        yield request(url.geturl(), NETSUITE.call())
    start((url, call, heard, 0.2) for _ in range(2))


ATTACKS = (("%d slow heads" % SLOW, slow_heads), ("bodies of 1 GB", endless_bodies),
           ("10,000-deep JSON", deep_json), ("answers of 100 MB", enormous_answers))


def run_attack(attack, url, pipe):
    """Says what was heard so far whenever it is asked."""
    only_what_is_left()
    heard = Heard()
    threading.Thread(target=attack, args=(urllib.parse.urlsplit(url), heard), daemon=True).start()
    with contextlib.suppress(EOFError):
        while True:
            pipe.recv()
            pipe.send(dict(heard.counts))
    os._exit(0)


class Attack:
    """A context: runs while it lasts. Without an attack there is nobody to be told anything."""

    def __init__(self, attack, url):
        self.process = None
        if attack is not None:
            self.pipe, theirs = multiprocessing.Pipe()
            self.process = multiprocessing.Process(target=run_attack, args=(attack, url, theirs))

    def __enter__(self):
        if self.process is not None:
            self.process.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.terminate()
            self.process.join()
            time.sleep(0.5)

    def heard(self):
        if self.process is None:
            return {}
        self.pipe.send(None)
        return self.pipe.recv()


def run_upstream(pipe):
    """Answers with the head of a SuiteQL page and 100 MB behind it; every other one says so."""
    only_what_is_left()
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oracle.resource+json; "
            b"type=collection\r\n%s\r\n\r\n")
    chunk = b"10000\r\n" + BLOCK + b"\r\n"

    def serve(connection, is_announced):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)  # a request is one piece here
            connection.sendall(head % (b"Content-Length: %d" % BIG_ANSWER if is_announced
                                       else b"Transfer-Encoding: chunked"))
            for _ in range(BIG_ANSWER // len(BLOCK)):
                connection.sendall(BLOCK if is_announced else chunk)
                time.sleep(BLOCK_S)
    is_announced = False
    while True:
        is_announced = not is_announced
        threading.Thread(target=serve, args=(listener.accept()[0], is_announced),
                         daemon=True).start()


# ---- The good client ----

class Good:
    def __init__(self, url):
        split = urllib.parse.urlsplit(url)
        self.message = request(url, NETSUITE.call())
        self.connections = [socket.create_connection((split.hostname, split.port), timeout=30)
                            for _ in range(CONNECTIONS)]

    def call(self, seconds):
        """Milliseconds of each call. One that is due while the last still takes has waited
        since it was due."""
        took, due, turn = [], time.perf_counter(), 0
        end = due + seconds
        gc.disable()
        while due < end:
            now = time.perf_counter()
            began = due
            if now < due:
                time.sleep(due - now)
                began = time.perf_counter()
            connection = self.connections[turn % CONNECTIONS]
            connection.sendall(self.message)
            if b'"isError":true' in read_answer(connection):
                raise Fault("a call of the good client failed")
            took.append(1000 * (time.perf_counter() - began))
            due += PACE_S
            turn += 1
        gc.enable()
        return sorted(took)


# ---- Who is attacked ----

def rss_mb(pids):
    total = 0
    for pid in pids:
        with open("/proc/%d/status" % pid) as status:
            total += [int(line.split()[1]) for line in status if line.startswith("VmRSS")][0]
    return total / 1024


def scheduled_ns(pids):
    """(on a core, ready but waiting for one) of all their threads since they began."""
    on_core_ns = waited_ns = 0
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as stat:
                on, waited, _ = stat.read().split()
            on_core_ns += int(on)
            waited_ns += int(waited)
    return on_core_ns, waited_ns


class Target:
    def __init__(self, name, peer, big, turns):
        self.name, self.url, self.big, self.turns = name, peer.url, big, turns
        self.pids = peer.pids
        self.good = Good(peer.url)
        self.good.call(1)


def turns_of(base):
    """{upper bound in ms: turns of the loop that took no longer}."""
    _, _, raw = exchange(base, "GET", "/metrics")
    return {float(bound) * 1000: int(count) for bound, count in re.findall(
        r'^sluice_loop_turn_seconds_bucket\{le="([0-9.]+)"\} (\d+)', raw.decode(), re.M)}


def longest_ms(turns):
    """The bound no turn was longer than."""
    return min(bound for bound in turns if turns[bound] == max(turns.values()))


def one_round(target, attack, seconds):
    url = target.big if attack is enormous_answers else target.url
    if attack is slow_heads:
        seconds += HEAD_S  # from all at once to the end of their time, and again
    with Attack(attack, url) as attackers:
        if attack is not slow_heads:
            time.sleep(RAMP_S)
        turns, heard = target.turns(), attackers.heard()
        on, waited = scheduled_ns(target.pids())
        took = target.good.call(seconds)
        on_after, waited_after = scheduled_ns(target.pids())
        after, heard_after = target.turns(), attackers.heard()
    turns = {bound: after[bound] - turns[bound] for bound in after}
    return {
        "p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)], "max": took[-1],
        "cpu": (on_after - on) / 1e7 / seconds, "waited": (waited_after - waited) / 1e6 / seconds,
        "longest": longest_ms(turns) if turns else 0,
        "long": (max(turns.values()) - turns[LONG_MS]) / seconds if turns else 0,
        "rss": rss_mb(target.pids()),
        "told": {what: (count - heard.get(what, 0)) / seconds
                 for what, count in heard_after.items()}}


def control(field, upstream, big_port):
    """nginx before the same ERP, with the server's ceilings; nothing of it goes to a disk."""
    passing = ("proxy_http_version 1.1; proxy_set_header Connection ''; "
               "proxy_max_temp_file_size 0; ")
    return field.keep(Nginx(
        field.scratch, "control",
        "client_header_timeout %ds; client_max_body_size 4m; client_body_buffer_size 5m;\n"
        "location / { proxy_pass http://erp; %s }\n"
        "location = /big { proxy_pass http://127.0.0.1:%d; %s }" %
        (HEAD_S, passing, big_port, passing),
        "upstream erp { server 127.0.0.1:%d; keepalive 64; keepalive_requests 1000000000; }"
        % upstream.port))


def targets(field, big_port, server_core):
    with on_core(server_core):
        field.serve()
        nginx = control(field, field.upstream(NETSUITE, 2)[0], big_port)
    peer, _ = field.sluice_peer("sluice")
    field.stand.mocks["big"] = {"url": "http://127.0.0.1:%d" % big_port}
    account = field.stand.admin("POST", "/integrated-account?verify=false",
                                NETSUITE.account(field.stand, "big"))
    big = field.stand.mint(account["id"])["url"]
    return [Target("sluice", peer, big, lambda: turns_of(field.stand.base)),
            Target("nginx", nginx_peer(nginx), nginx.url + "/big", dict)]


def nginx_peer(nginx):
    class Peer:
        url, pids = nginx.url + "/", staticmethod(nginx.pids)
    return Peer


def measure(chosen, cores):
    server_core, core = cores
    ours, theirs = multiprocessing.Pipe()
    results = {}
    with on_core(core):
        upstream = multiprocessing.Process(target=run_upstream, args=(theirs,), daemon=True)
        upstream.start()
        try:
            with Field(chosen.bin) as field:
                attacked = targets(field, ours.recv(), server_core)
                for _ in range(chosen.rounds):
                    for name, attack in (("no attack", None), *ATTACKS):
                        for target in attacked:
                            results.setdefault((name, target.name), []).append(
                                one_round(target, attack, chosen.seconds))
        finally:
            upstream.terminate()
            upstream.join()
    return results


# ---- The table ----

def middle(rounds, column):
    return statistics.median(row[column] for row in rounds)


def rates(rounds):
    told = {what for row in rounds for what in row["told"]}
    return ", ".join("%s: %.0f/s" % (what, statistics.median(r["told"].get(what, 0) for r in rounds))
                     for what in sorted(told)) or " "


def row_of(name, who, rounds, usual):
    times = middle(rounds, "p99") / usual
    turns = ("%.1f | %.1f" % (middle(rounds, "longest"), middle(rounds, "long"))
             if rounds[0]["longest"] else "  |  ")
    return "| %s | %s | %.2f | %.2f | %.2f to %.2f | %.1f | %.0f | %.1f | %s | %.1f | %s |" % (
        name, who, middle(rounds, "p50"), middle(rounds, "p99"), min(r["p99"] for r in rounds),
        max(r["p99"] for r in rounds), times, middle(rounds, "cpu"), middle(rounds, "waited"),
        turns, middle(rounds, "rss"), rates(rounds))


def main():
    chosen = options(__doc__, seconds=3, rounds=5)
    cores = sorted(os.sched_getaffinity(0))[:2]
    try:
        if len(cores) < 2:
            raise Fault("the server wants a core of its own, and there is only one")
        is_ahead = go_ahead()
        results = measure(chosen, cores)
    except Fault as fault:
        print("error: %s" % fault, file=sys.stderr)
        return 1
    goals = Goals()
    lines = ["| attack | on | good client's p50 ms | p99 ms | of rounds | times alone | CPU %% | "
             "waited for its core ms/s | longest turn ms, at most | turns over %d ms, per s | RSS MB "
             "| attackers were told |" % LONG_MS, "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for (name, who), rounds in results.items():
        usual = middle(results["no attack", who], "p99")
        lines.append(row_of(name, who, rounds, usual))
        if name != "no attack" and who == "sluice":
            goals.at_most("p99 under %s, beside none" % name, middle(rounds, "p99") / usual, MORE,
                          "times")
    publish("hostile", [
        "Full calls (nginx: the same page passed on), one every %d ms over %d connections, medians of "
        "%d rounds of %d s (slow heads: %d s), states in turns; the server on a core of its own, good "
        "client, ERP and attackers on another, attackers with what is left of it%s; %s."
        % (1000 * PACE_S, CONNECTIONS, chosen.rounds, chosen.seconds, chosen.seconds + HEAD_S,
           ", all but the attackers ahead of others on the machine" if is_ahead else "",
           machine()), ""] + lines + goals.table(), chosen.write)
    return goals.verdict(chosen.check)


if __name__ == "__main__":
    sys.exit(main())
