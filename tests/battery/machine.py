"""The rules of the machine: one thing after another of all that may happen, judged after each."""

from typing import Any, ClassVar

from hypothesis import event, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.battery.happenings import SETTINGS, Happenings
from tests.battery.many import ManyAtOnce
from tests.battery.operations import disaster, drawn


class ShopMachine(Happenings, ManyAtOnce, RuleBasedStateMachine):  # type: ignore[misc]
    """``stage`` and ``length``, the steps of an example, are put there by the test."""

    length: ClassVar[int]

    @initialize(
        chosen=st.sampled_from(SETTINGS),
        money=st.sampled_from(["20", "20", "20", "0.5"]),
        number=st.integers(0, 2**64 - 1),
    )
    def begins(self, chosen: dict[str, Any], money: str, number: int) -> None:
        self.opens(chosen, money)
        self.disaster = disaster(number, self.length)
        self.happened = 0

    @invariant()
    def what_must_hold_holds(self) -> None:
        if self.settings is not None:
            self.is_judged()

    @rule(number=st.integers(0, 2**64 - 1))
    def happens(self, number: int) -> None:
        """One thing of all that may happen. One rule, since a machine of many favours a few of them in each example."""
        name, given = drawn(number)
        if (fated := self.disaster.get(self.happened)) is not None:
            name, given = fated, {}
        self.happened += 1
        note(f"{name} {given}")
        event(name)
        getattr(self, name)(**given)

    def teardown(self) -> None:
        if self.settings is not None:
            self.ends(self.jobs_end)
