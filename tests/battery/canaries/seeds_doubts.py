"""Bugs in reading answers and in resolving doubts."""

import json
from typing import Any


def duplicate_keys_are_fine() -> None:
    from upstream import strict_json

    strict_json._DECODER = json.JSONDecoder(
        parse_float=strict_json._decimal, parse_int=strict_json._integer, parse_constant=strict_json._refuse
    )


def price_alone_decides() -> None:
    from orders.doubt import bracket

    bracket.sole_owners = lambda owned: ((own, owners[0]) for own, owners in owned if owners)


def no_patience() -> None:
    from dataclasses import replace

    from django.conf import settings

    from tests.battery.bracket_machine import Machine

    settings.DOUBT_SETTLE_SECONDS = 0
    honest = Machine.__init__

    def begin(self: Any, *args: Any, **more: Any) -> None:
        honest(self, *args, **more)
        self.times = replace(self.times, settle=0)

    Machine.__init__ = begin  # type: ignore[method-assign]


def a_different_charge_does_not_block() -> None:
    from orders.doubt import bracket

    def blocks(attempt: Any, own: Any, picture: Any) -> bool:
        return bracket.charge_fits(own.answer and own.answer.charge, attempt.expected, picture.unit)

    bracket.blocks = blocks


def an_orphan_explains_its_id() -> None:
    from orders.doubt import bracket

    bracket.is_unexplained = lambda own: own.explained is None


def a_persons_error_is_forgotten() -> None:
    from orders.doubt import bracket
    from orders.doubt.picture import Standing

    honest = bracket.was_there

    def was_there(attempt: Any, own: Any) -> bool:
        return attempt.standing is not Standing.SAID_NOT_PLACED and honest(attempt, own)

    bracket.was_there = was_there


def never_ask_again() -> None:
    from orders.doubt import late_charges

    late_charges.ask_again = lambda probe, ids: []
