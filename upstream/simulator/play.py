"""What a fault works with: the call, the provider's state, and whether the action is carried out all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from upstream.simulator.actions import answer
from upstream.simulator.call import ApiCall
from upstream.simulator.reply import Reply, json_reply
from upstream.simulator.state import ProviderState

CHANGING = frozenset(["add", "refill", "cancel", "createTicket"])


class NothingToSpoil(Exception):
    """The honest answer is a refusal, so there is no accepted order whose answer could be lost."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Play:
    """One fault at one call.

    ``placed`` decides whether the action is carried out, whatever the client gets to see of it. ``refusal`` is the
    answer to a wrong key, if the key is wrong. ``between`` draws a number from a range, repeatably by the plan's seed.
    """

    provider: ProviderState
    call: ApiCall
    placed: bool
    argument: str
    refusal: Reply | None
    between: Callable[[float, float], float]

    def answer(self) -> Reply:
        """Return the honest answer, or one that looks like it where the action is not to be carried out."""
        if self.refusal:
            return self.refusal
        if self.placed or self.call.action not in CHANGING:
            return answer(self.provider, self.call)
        if self.call.action == "add":
            return json_reply({"order": int(self.provider.books.burn())})
        return json_reply({"status": "success"})

    def order_id(self) -> int | str:
        """Return the id to show; where nothing is placed, one that no order ever gets. Raise NothingToSpoil."""
        reply = self.answer()
        value = json.loads(reply.body)
        if not isinstance(value, dict) or "order" not in value:
            raise NothingToSpoil(reply)
        number: int | str = value["order"]
        return number

    def number(self, default: float) -> float:
        """Return the fault's argument as a number of seconds or bytes, ``default`` if there is none."""
        try:
            return float(self.argument)
        except ValueError:
            return default


Player = Callable[[Play], Reply]
