"""Bugs in reading answers and in resolving doubts."""

import json
from typing import Any


def duplicate_keys_are_fine() -> None:
    from upstream import strict_json

    strict_json._DECODER = json.JSONDecoder(
        parse_float=strict_json._decimal, parse_int=strict_json._integer, parse_constant=strict_json._refuse
    )


def price_alone_decides() -> None:
    from orders.doubt import placed_rule

    placed_rule.sole_owners = lambda owned: ((own, owners[0]) for own, owners in owned if owners)


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
    from orders.doubt import not_placed_rule, owners

    def blocks(attempt: Any, own: Any, picture: Any) -> bool:
        return owners.charge_fits(own.answer and own.answer.charge, attempt.expected, picture.unit)

    not_placed_rule.blocks = blocks


def an_orphan_explains_its_id() -> None:
    from orders.doubt import owners

    owners.is_unexplained = lambda own: own.explained is None


def a_persons_error_is_forgotten() -> None:
    from orders.doubt import owners
    from orders.doubt.picture import Standing

    honest = owners.was_there

    def was_there(attempt: Any, own: Any) -> bool:
        return attempt.standing is not Standing.SAID_NOT_PLACED and honest(attempt, own)

    owners.was_there = was_there


def never_ask_again() -> None:
    from orders.doubt import late_charges

    late_charges.ask_again = lambda probe, ids: []
