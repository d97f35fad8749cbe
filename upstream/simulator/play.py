"""What a fault has at hand when it is played: the call, the provider, and the choice of doing the deed or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from upstream.simulator.actions import answer
from upstream.simulator.call import Call
from upstream.simulator.reply import Reply, json_reply

if TYPE_CHECKING:
    from upstream.simulator.core import Simulator

CHANGING = frozenset(["add", "refill", "cancel", "createTicket"])


class NothingToSpoil(Exception):
    """The honest answer is a refusal, so there is no accepted order whose answer could be lost."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Play:
    """``placed`` decides whether the deed behind the call is done, whatever the client gets to see of it."""

    sim: Simulator
    call: Call
    placed: bool
    argument: str
    refusal: Reply | None

    def answer(self) -> Reply:
        """The honest answer with the deed done, or one that looks like it where the deed is not to be done."""
        if self.refusal:
            return self.refusal
        if self.placed or self.call.action not in CHANGING:
            return answer(self.sim, self.call)
        if self.call.action == "add":
            return json_reply({"order": int(self.sim.books.burn())})
        return json_reply({"status": "success"})

    def order_id(self) -> int | str:
        """The id to show; one that no order of ours ever gets where nothing is placed. Raise NothingToSpoil."""
        reply = self.answer()
        value = json.loads(reply.body)
        if not isinstance(value, dict) or "order" not in value:
            raise NothingToSpoil(reply)
        number: int | str = value["order"]
        return number

    def number(self, default: float) -> float:
        """The fault's argument as a number of seconds, bytes or whatever it counts."""
        try:
            return float(self.argument)
        except ValueError:
            return default


Player = Callable[[Play], Reply]
