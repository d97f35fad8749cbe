"""Which request meets which fault: by its link, by a script for the next calls, every n-th, or at a rate."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from upstream.simulator.fates import read_script
from upstream.simulator.faults import AT_ACCEPT, FAULTS, Drawn, read_fault


@dataclass(slots=True)
class EveryNth:
    """The n-th, 2n-th, ... call of the named actions meets the fault."""

    fault: Drawn
    every: int
    actions: frozenset[str]
    seen: int = 0


@dataclass(slots=True)
class Rates:
    """Each call of a fault's actions meets it with the given probability."""

    shares: list[tuple[Drawn, float]] = field(default_factory=list)
    actions: frozenset[str] | None = None


class FaultPlan:
    """Draws at most one fault for each request. The same seed and calls draw the same faults."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._rates = Rates()
        self._every: list[EveryNth] = []
        self._script: deque[Drawn | None] = deque()
        self._script_actions: frozenset[str] | None = None
        self._links: Counter[str] = Counter()

    def set_rates(self, shares: Mapping[str, float], actions: Iterable[str] | None, seed: int | None) -> None:
        """Replace the rates. Raise ValueError for an unknown fault or a sum above 1."""
        drawn = [(read_fault(name), float(share)) for name, share in shares.items()]
        if sum(share for _, share in drawn) > 1.000001:
            raise ValueError("the rates of faults add up to more than 1")
        self._rates = Rates(drawn, frozenset(actions) if actions else None)
        if seed is not None:
            self._random = random.Random(seed)  # noqa: S311

    def set_every(self, fault: str, every: int, actions: Iterable[str] | None) -> None:
        self._every = [EveryNth(read_fault(fault), every, frozenset(actions or ["add"]))] if every else []

    def set_script(self, names: Iterable[str | None], actions: Iterable[str] | None) -> None:
        """Script the next calls (of the actions, or of any); None lets one pass."""
        self._script = deque(read_fault(name) if name else None for name in names)
        self._script_actions = frozenset(actions) if actions else None

    def clear(self) -> None:
        self._rates, self._every = Rates(), []
        self._script.clear()

    def between(self, low: float, high: float) -> float:
        """Draw a number from the range."""
        return self._random.uniform(low, high)

    def draw_at_accept(self) -> Drawn | None:
        """Return the fault for a connection that was just accepted, before a byte of it is read."""
        if self._script and self._script[0] is not None and self._script[0].name in AT_ACCEPT:
            return self._script.popleft()
        for rule in self._every:
            if rule.fault.name in AT_ACCEPT and self._is_hit(rule):
                return rule.fault
        return self._by_rate("", at_accept=True)

    def draw(self, action: str, link: str) -> Drawn | None:
        """Return the fault for a request; its link comes first, then the script, the n-th calls and the rates."""
        scripted = self._by_link(link) if action == "add" and link else None
        if scripted:
            return scripted
        if self._script and (self._script_actions is None or action in self._script_actions):
            return self._script.popleft()
        for rule in self._every:
            if rule.fault.name not in AT_ACCEPT and action in rule.actions and self._is_hit(rule):
                return rule.fault
        return self._by_rate(action, at_accept=False)

    def _by_link(self, link: str) -> Drawn | None:
        """Return the fault that a link asks for, ``*3`` behind it being the number of times it may."""
        text = read_script(link).fault
        name, _, argument = text.partition("*")
        if name.partition(":")[0].removesuffix("_np").removesuffix("_p") not in FAULTS:
            return None
        self._links[link] += 1
        return read_fault(name) if not argument.isdigit() or self._links[link] <= int(argument) else None

    def _is_hit(self, rule: EveryNth) -> bool:
        rule.seen += 1
        return rule.seen % rule.every == 0

    def _by_rate(self, action: str, *, at_accept: bool) -> Drawn | None:
        open_to = []
        for drawn, share in self._rates.shares:
            actions = self._rates.actions or FAULTS[drawn.name].actions
            is_for_action = at_accept or actions is None or action in actions
            if (drawn.name in AT_ACCEPT) == at_accept and is_for_action:
                open_to.append((drawn, share))
        if not open_to:
            return None
        point = self._random.random()
        for drawn, share in open_to:
            point -= share
            if point < 0:
                return drawn
        return None
