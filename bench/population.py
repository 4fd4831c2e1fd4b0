"""Many accounts, each with a URL, made through the management API as an application makes them."""
import json
import time

from lockstep import Callers, request
from stand import Fault
from upstreams import NETSUITE

ACCOUNTS = 10000
PER_TENANT = 10
AT_ONCE = 32  # requests in flight: the store commits what has come together


def create(field, count, kilobytes=2):
    """(URLs, seconds it took): so many NetSuite accounts, every one with its own lane and URL."""
    field.serve()
    stand = field.stand
    _, key = field.upstream(NETSUITE, kilobytes)
    fields = {"Authorization": "Bearer " + stand.admin_token}
    bodies = []
    for number in range(count):
        body = NETSUITE.account(stand, key)
        body["tenant_id"] = "tenant-%d" % (number // PER_TENANT)
        body["connection"]["account_id"] = "TSTDRV%d" % (100000 + number)
        body["governor"] = {"ceiling": 64, "queue_limit": 1000}
        bodies.append(body)
    begun = time.monotonic()
    with Callers(stand.base, AT_ONCE) as callers:
        made = callers.call_all([request(stand.base + "/integrated-account?verify=false", body,
                                         fields) for body in bodies], AT_ONCE)
        minted = callers.call_all([request(
            "%s/integrated-account/%s/mcp" % (stand.base, json.loads(account)["id"]),
            {"name": "agent", "config": {}}, fields) for account in made], AT_ONCE)
    return [json.loads(server)["url"] for server in minted], time.monotonic() - begun


def call_each(callers, urls, body, at_once=AT_ONCE):
    """One call of every URL."""
    answers = callers.call_all([request(url, body) for url in urls], at_once)
    bad = [answer for answer in answers if b'"isError":true' in answer or b'"result"' not in answer]
    if bad:
        raise Fault("%d of %d calls failed, one with %r" % (len(bad), len(urls), bad[0][:400]))
