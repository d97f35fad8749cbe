"""The judge: what must hold between the shop's rows and the provider's own log, whatever happened before.

It reads the database by plain SQL and the logs as plain rows, and imports nothing of the shop. A broken invariant is
named as the battery names it (F1, I2, S5, …); the names are what a seeded bug must be caught by.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import psycopg

from tests.battery import judge_forwards, judge_money, judge_settling
from tests.battery.judge_rows import Rows, Upstream, read_rows

Logs = Mapping[int, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Broken:
    """One invariant that does not hold. ``rows`` name what contradicts it, at most a few."""

    invariant: str
    says: str
    rows: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.invariant} is broken ({self.says}): {'; '.join(self.rows[:5])}"


@dataclass(frozen=True)
class Said:
    """What each answer that may have ended an order would give back in all, in shop currency; ``last`` must be paid.

    ``oddities`` are the rules that the answers put to the test: S3 for one that ran again after its end, S4 for odd
    remains, S5 for one that was denied.
    """

    dues: tuple[Fraction, ...] = ()
    last: Fraction | None = None
    oddities: frozenset[str] = frozenset()


@dataclass
class Truth:
    """What else is known from outside the shop. Everything left out is simply not checked.

    ``cap`` bounds the cost in doubt at each provider; ``dearest`` is the cost of the dearest order that can be sent.
    ``credits`` are the payments by reference, ``acknowledged`` the charges of orders that a customer was told of, by
    order id; ``said`` the answers by link; ``answers`` how many answers to ``add`` reached a living process, by link.
    ``liars`` are links whose own answer named an id that is not theirs, ``foreign`` what others ordered with our key.
    ``decided`` counts what a person decided and a restore forgot, by link.
    ``refills`` counts what was taken by (provider, order there). ``opening`` is each account's first balance.
    """

    cap: Decimal | None = None
    dearest: Decimal = Decimal(0)
    lanes: int = 1
    credits: dict[str, Decimal] | None = None
    acknowledged: dict[int, Decimal] | None = None
    said: dict[str, Said] | None = None
    answers: dict[str, int] | None = None
    liars: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    foreign_is_listed: bool = False
    decided: Counter[str] = field(default_factory=Counter)
    refills: dict[tuple[int, str], int] | None = None
    opening: dict[int, Decimal] | None = None
    #: Ids are one counter, foreign ids are refused, nothing is applied after T_settle.
    assumptions_hold: bool = True


Check = Callable[[Rows, Upstream, Truth], Iterator[tuple[str, str, str]]]

EACH_STEP: tuple[Check, ...] = (*judge_money.EACH_STEP, *judge_forwards.EACH_STEP, *judge_settling.EACH_STEP)
AT_REST: tuple[Check, ...] = (*judge_money.AT_REST, *judge_forwards.AT_REST, *judge_settling.AT_REST)


class Judge:
    """``logs`` gives, by the shop's provider id, the orders that provider accepted, as the simulator records them.

    The rows are read before the logs: a provider writes an order down before it answers, so whatever a row knows of is
    in a log read after it. ``checks`` counts the judgements, each of all invariants.
    """

    def __init__(
        self, connection: "psycopg.Connection[Any]", logs: Callable[[], Logs], truth: Truth | None = None
    ) -> None:
        self.connection = connection
        self.logs = logs
        self.truth = truth or Truth()
        self.checks = 0
        #: What was read for the last judgement.
        self.rows: Rows | None = None
        self._transfers: dict[int, str] = {}

    def each_step(self) -> list[Broken]:
        """What must hold at any moment."""
        return self._judge(EACH_STEP)

    def at_rest(self) -> list[Broken]:
        """All of it, once faults are off, time has passed and nothing moves any more."""
        return self._judge((*EACH_STEP, *AT_REST))

    def forget(self) -> None:
        """A database was put back: what was read before is no longer what came before."""
        self._transfers = {}

    def _judge(self, checks: Sequence[Check]) -> list[Broken]:
        self.checks += 1
        rows = self.rows = read_rows(self.connection)
        upstream = Upstream.of(self.logs())
        found: dict[tuple[str, str], list[str]] = {}
        for check in checks:
            for invariant, says, row in check(rows, upstream, self.truth):
                found.setdefault((invariant, says), []).append(row)
        for row in self._changed_transfers(rows):
            found.setdefault(("I1", "no transfer is ever changed or deleted"), []).append(row)
        return [Broken(invariant, says, tuple(named)) for (invariant, says), named in found.items()]

    def _changed_transfers(self, rows: Rows) -> Iterator[str]:
        now = {t.id: repr(t) for t in rows.transfers}
        for number, before in self._transfers.items():
            if now.get(number) != before:
                yield f"transfer {number} was {before}, is {now.get(number)}"
        self._transfers = now


def must_hold(broken: Sequence[Broken]) -> None:
    """Raise AssertionError that names each broken invariant."""
    assert not broken, "\n".join(str(one) for one in broken)
