"""Orders of one moment share a ring, and each is followed by one."""

import time

import pytest

from orders import doorbell


def _until(condition: object, limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def test_orders_of_one_moment_share_a_ring_and_a_later_one_rings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)
    bell = doorbell._SharedDoorbell("a bell")
    for _order in range(200):
        bell.ring()
    _until(lambda: rung)
    _until(lambda: not bell._wanted.is_set())
    assert len(rung) <= 2  # the first at once, the rest together
    before = len(rung)
    bell.ring()
    _until(lambda: len(rung) > before)
    assert set(rung) == {"a bell"}


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
