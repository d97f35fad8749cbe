"""One ring for all orders of a moment, and none of them unheard."""

import time

import pytest

from orders import doorbell


def _until(condition: object, limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def test_orders_of_one_moment_share_a_ring_and_a_later_one_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)
    hand = doorbell._Hand("a bell")
    for _order in range(200):
        hand.raise_()
    _until(lambda: rung)
    _until(lambda: not hand._wanted.is_set())
    assert len(rung) <= 2  # the first at once, the rest together
    before = len(rung)
    hand.raise_()
    _until(lambda: len(rung) > before)
    assert set(rung) == {"a bell"}


def test_a_ring_that_fails_does_not_end_the_ringing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    class DeadBroker:
        def publish(self, task: str, **_options: object) -> None:
            tried.append(task)
            raise OSError("no broker")

    monkeypatch.setattr(doorbell, "broker", DeadBroker())
    hand = doorbell._Hand("a bell")
    hand.raise_()
    _until(lambda: len(tried) == 1)
    hand.raise_()
    _until(lambda: len(tried) == 2)
