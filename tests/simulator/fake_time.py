"""A provider without sockets whose clock a test sets."""

from __future__ import annotations

import json
from typing import Any

from upstream.simulator import Simulator

ROWS = [
    {"service": 1, "name": "Followers", "type": "Default", "category": "One", "rate": "0.90", "min": "50",
     "max": "10000", "refill": True, "cancel": True, "dripfeed": True},
    {"service": "2", "name": "Comments", "type": "Custom Comments", "category": "Two", "rate": "8", "min": "1",
     "max": "1500", "refill": False, "cancel": False, "dripfeed": False},
    {"service": 3, "name": "Bundle", "type": "custom_comments_package", "category": "Two", "rate": 4.5, "min": 1,
     "max": 1},
    {"service": 4, "name": "Posts to come", "type": "Subscriptions", "category": "Two", "rate": "2", "min": "10",
     "max": "500"},
    {"service": 5, "name": "Visitors", "type": "Web Traffic", "category": "Two", "rate": "0.35", "min": "100",
     "max": "100000", "dripfeed": True},
]  # fmt: skip


class Clock:
    """Seconds since the epoch, as set by a test."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def call(sim: Simulator, **fields: object) -> Any:
    """Make one call without sockets; return the decoded answer."""
    return json.loads(sim.handle({"key": sim.key, **{name: str(value) for name, value in fields.items()}}).body)


def buy(sim: Simulator, link: str = "https://example.com/p/1", quantity: int = 1000, **fields: object) -> str:
    answer = call(sim, action="add", service=fields.pop("service", 1), link=link, quantity=quantity, **fields)
    return str(answer["order"])
