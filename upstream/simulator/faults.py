"""Every fault by name: its group, the actions it belongs to, and whether the action is carried out all the same.

A fault is written ``name`` or ``name:argument`` (seconds, bytes, an amount or an error text). ``_p`` behind the name
carries the action out, ``_np`` does not, whatever the fault does by default: ``h500_p``, ``h504_np``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from upstream.simulator.account_faults import ACCOUNT, CANCEL, REFILL, SERVICES, honest
from upstream.simulator.body_faults import BODY
from upstream.simulator.call import ApiCall
from upstream.simulator.fates import ENDINGS, SPOILED_ANSWERS
from upstream.simulator.http_faults import HTTP
from upstream.simulator.lost_answers import EARLY, LOST, REDIRECT, SIZE
from upstream.simulator.play import NothingToSpoil, Play, Player
from upstream.simulator.reply import Reply
from upstream.simulator.state import ProviderState

# A listening server cannot play these, because nobody reaches it: the client's side of a test arranges them.
CLIENT_SIDE = frozenset(["refused", "dns_fail", "dns_slow", "connect_timeout"])
AT_ACCEPT = frozenset(EARLY)
PLACED_BY_DEFAULT = frozenset(
    [*LOST, *SIZE, "h504", "h200_empty", "h204", "php_warning_json", "bom", "trailing_garbage", "dup_keys"]
    # An id as a text is a good id, so there must be an order behind it. The others answer honestly in the end.
    + ["order_str", "repriced", "balance_drops", "refund_in_window", "refill_str", "refill_twice"]
)


@dataclass(frozen=True, slots=True)
class Fault:
    """``actions`` None means that the fault fits any action; ``placed`` says if the action is carried out."""

    name: str
    group: str
    actions: frozenset[str] | None
    placed: bool
    player: Player


@dataclass(frozen=True, slots=True)
class Drawn:
    """A fault as it is written in a plan or a link."""

    name: str
    argument: str
    placed: bool
    label: str


def _group(name: str, players: Mapping[str, Player], *actions: str) -> dict[str, Fault]:
    fits = frozenset(actions) or None
    return {key: Fault(key, name, fits, key in PLACED_BY_DEFAULT, player) for key, player in players.items()}


FAULTS: dict[str, Fault] = (
    _group("early close", EARLY)
    | _group("answer lost", LOST)
    | _group("size", SIZE)
    | _group("redirect", REDIRECT)
    | _group("http", HTTP)
    | _group("add body", BODY, "add")
    | _group("status", dict.fromkeys([*ENDINGS, "never_moves"], honest), "add")
    | _group("status", dict.fromkeys(SPOILED_ANSWERS, honest), "status")
    | _group("account", ACCOUNT, "balance")
    | _group(
        "account",
        {name: ACCOUNT[name] for name in ("balance_drops", "refund_in_window", "no_funds", "repriced")},
        "add",
    )
    | _group("account", {"bad_key": ACCOUNT["bad_key"]})
    | _group("services", SERVICES, "services")
    | _group("refill", REFILL, "refill")
    | _group("refill", {"refill_unknown": honest}, "refill_status")
    | _group("cancel", CANCEL, "cancel")
)


def read_fault(text: str) -> Drawn:
    """Read a fault as written in a plan. Raise ValueError for one that is unknown or not the server's to play."""
    name, _, argument = text.partition(":")
    base, placed = name, None
    if name not in FAULTS:
        for suffix, meaning in (("_np", False), ("_p", True)):
            if name.endswith(suffix):
                base, placed = name.removesuffix(suffix), meaning
                break
    if base in CLIENT_SIDE:
        raise ValueError(f"{base} happens on the client's side, before any provider is reached")
    if base not in FAULTS:
        raise ValueError(f"unknown fault {text[:60]!r}")
    fault = FAULTS[base]
    return Drawn(base, argument, fault.placed if placed is None else placed, name)


def spoil(
    provider: ProviderState,
    call: ApiCall,
    drawn: Drawn,
    refusal: Reply | None,
    *,
    between: Callable[[float, float], float],
) -> Reply:
    """Return the reply to a call that met a fault."""
    play = Play(provider, call, drawn.placed, drawn.argument, refusal, between)
    try:
        reply = FAULTS[drawn.name].player(play)
    except NothingToSpoil as nothing:
        reply = nothing.reply
    reply.fault = drawn.label
    return reply
