"""Part D, the wire: no request that the provider has read is called not sent, under any fault, on http and https.

`BATTERY=gate` sends until over 1,000 orders were called not sent, `BATTERY=long` over 10,000; each fault is met 20
times over. Without it a few dozen sends suffice to notice a broken rule.
"""

import time
from collections import Counter

import pytest

from tests.battery import counts
from tests.battery.wire_sends import (
    CLIENT_SIDE,
    LIMIT,
    OF_PERMIT,
    OF_TLS,
    PLAYED,
    Lateness,
    Send,
    Sender,
    names_that_fail,
    not_sent,
    read_by,
)
from upstream.simulator.running import RunningSimulator, running_simulator

EACH = counts.sized(1, 20, 30)
QUICK_EACH = counts.sized(5, 120, 1_200)
LEAST_NOT_SENT = counts.sized(20, 1_000, 10_000)
#: What ends at once and before the first byte: cheap enough to be met by the thousand.
QUICK = {
    "http": ["refused", "dns_fail", "permit_refused"],
    "https": ["refused", "dns_fail", "permit_refused", "tls_bad_cert", "tls_not_tls", "close_on_accept"],
}
#: What never ends by itself, so that whatever came of it was cut off by the deadline.
ENDLESS = {
    "timeout_after_accept", "late_place", "late_beyond_settle", "never_read", "drip_headers", "drip_body",
    "continue_forever", "r307_drip",
}  # fmt: skip
GRACE = 0.5


def faults_of(scheme: str) -> list[str]:
    played = [name for name in PLAYED if scheme == "https" or name not in OF_TLS]
    return [*played, *CLIENT_SIDE, *OF_PERMIT]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_was_read_is_never_called_not_sent(scheme: str) -> None:
    with running_simulator(process=True, tls=scheme == "https") as provider, names_that_fail(), Lateness() as machine:
        sender = Sender(provider)
        for fault in faults_of(scheme):
            sender.run(fault, QUICK_EACH if fault in QUICK[scheme] else EACH)
        wait_until_all_is_counted(provider)
        record, read = provider.record(requests=1), read_by(provider)
        placed = Counter(order["link"] for order in provider.orders())
    sends = sender.sends
    wrong = [send for send in not_sent(sends) if read[send.digest]]
    report(scheme, sends, record, wrong)
    assert wrong == [], "F1: called not sent, and read by the provider"
    assert max(read.values()) == 1, "F1: the provider has read one request twice"
    assert record["redirected"] == [], "F1: a redirect was followed"
    assert set(met(sends, record)) >= set(faults_of(scheme))
    for send in sends:
        judge(send, read, placed, machine.worst)
    share = len(QUICK[scheme]) / sum(map(len, QUICK.values()))
    assert len(not_sent(sends)) >= LEAST_NOT_SENT * share


def judge(send: Send, read: Counter[str], placed: Counter[str], machine_worst: float) -> None:
    said = (send.fault, send.verdict, send.reason, send.exchange.stop)
    if send.verdict == "Placed":
        assert placed[send.link] == 1, said
    if send.verdict == "Refused":
        assert placed[send.link] == 0, ("F3", *said)
    if read[send.digest]:
        assert send.exchange.send_calls > 0, said
    late = send.exchange.elapsed - LIMIT
    is_believed = send.fault in ENDLESS and send.exchange.complete
    assert not is_believed, ("an answer that the deadline cut off was believed", *said)
    assert late <= GRACE + machine_worst, (f"{late:.3f} s over the deadline", *said)
    if send.fault in (*CLIENT_SIDE, *OF_PERMIT, *OF_TLS):
        assert send.verdict == "NotSent", said


def wait_until_all_is_counted(provider: RunningSimulator, limit: float = 20.0) -> None:
    """Until the provider has seen the end of every connection: only then does its count say what was never read."""
    end = time.monotonic() + limit
    while True:
        record = provider.record(requests=1)
        if record["connections"] == record["requests"]["total"] + record["unread"] + record["other"]:
            return
        assert time.monotonic() < end, f"the provider's sockets do not add up: {record['connections']} connections"
        time.sleep(0.05)


def met(sends: list[Send], record: dict[str, dict[str, int]]) -> Counter[str]:
    """How often each fault was met: by the provider's own count, and by ours where no provider is reached."""
    ours = Counter(send.fault for send in sends if send.fault in (*CLIENT_SIDE, *OF_PERMIT))
    return ours + Counter(record["faults"])


def report(scheme: str, sends: list[Send], record: dict[str, dict[str, int]], wrong: list[Send]) -> None:
    found = len(not_sent(sends))
    print(f"{scheme}: {len(sends)} sends, {found} called not sent, {len(wrong)} of them read")
    figures = {"not_sent_verdicts": found, "not_sent_but_read": len(wrong), "wire_sends": len(sends)}
    counts.add(met(sends, record), steps=len(sends), checks=len(sends), figures=figures)
