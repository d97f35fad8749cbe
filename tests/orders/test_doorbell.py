"""Orders of one moment share a ring, and each is followed by one."""

import threading
import time
from types import SimpleNamespace

import pytest

from orders import doorbell


def _until(condition: object, limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def test_orders_of_one_moment_share_a_ring_and_a_later_one_rings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    pauses = threading.Semaphore(0)  # each release ends one pause, so the test decides how long a moment is
    monkeypatch.setattr(doorbell, "ring", rung.append)
    monkeypatch.setattr(doorbell, "time", SimpleNamespace(sleep=lambda _seconds: pauses.acquire()))
    bell = doorbell._SharedDoorbell("a bell")
    for _order in range(200):
        bell.ring()
    _until(lambda: rung)
    pauses.release()
    bell.ring()
    _until(lambda: len(rung) == 2)
    pauses.release()
    bell.ring()
    _until(lambda: len(rung) == 3)
    assert rung == ["a bell"] * 3  # the first at once, the rest of the 200 together, and the later one


def test_a_ring_that_fails_does_not_end_the_ringing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    class DeadBroker:
        def publish(self, task: str, **_options: object) -> None:
            tried.append(task)
            raise OSError("no broker")

    monkeypatch.setattr(doorbell, "broker", DeadBroker())
    bell = doorbell._SharedDoorbell("a bell")
    bell.ring()
    _until(lambda: len(tried) == 1)
    bell.ring()
    _until(lambda: len(tried) == 2)
