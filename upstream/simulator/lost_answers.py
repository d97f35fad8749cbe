"""Faults that lose, stretch or swell the answer to an action that was carried out, and redirects.

A client that follows one of the redirects sends its request, and the key in it, to somebody else.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from upstream.simulator.actions import checked_purchase, repeated_order
from upstream.simulator.adding import Rejected
from upstream.simulator.play import Play, Player
from upstream.simulator.reply import HTML_TYPE, Delivery, Reply, error_reply

MEMBER = 16 * 1024 * 1024


def _lost(delivery: Delivery) -> Player:
    """Carry out the action and deliver its answer only so far."""

    def player(play: Play) -> Reply:
        reply = play.answer()
        reply.delivery, reply.seconds = delivery, play.number(120.0)
        return reply

    return player


def _late(shortest: float | None) -> Player:
    """Say nothing and place the order later; it costs and counts from then on."""

    def player(play: Play) -> Reply:
        if play.call.action != "add" or play.refusal:
            return _lost("hang")(play)
        provider = play.provider
        try:
            if repeated_order(provider, play.call) is not None:
                return _lost("hang")(play)
            purchase = checked_purchase(provider, play.call)
        except Rejected as refusal:
            return error_reply(refusal.text, refusal.status)
        delay = play.number(shortest if shortest is not None else play.between(*provider.late_seconds))
        if play.placed:
            if purchase.request_id:
                provider.books.by_request.setdefault(purchase.request_id, "")
            provider.books.at(play.call.now + delay, lambda when: provider.books.place(purchase, when))
        return Reply(delivery="hang")

    return player


@cache
def _padding_member() -> bytes:
    return gzip.compress(b" " * MEMBER, 9)


def _gzip_bomb(play: Play) -> Reply:
    """Answer with about a megabyte that unpacks to a gigabyte of blanks behind the honest answer."""
    reply = play.answer()
    members = max(1, int(play.number(1024 * MEMBER / 16)) // MEMBER)
    body = gzip.compress(reply.body) + _padding_member() * members
    return replace(reply, body=body, headers=[*reply.headers, ("Content-Encoding", "gzip")])


def _big_body(play: Play) -> Reply:
    reply = play.answer()
    return replace(reply, body=reply.body + b" " * int(play.number(20 * 1024 * 1024)))


def _more_headers(build: Callable[[], list[tuple[str, str]]]) -> Player:
    def player(play: Play) -> Reply:
        reply = play.answer()
        return replace(reply, headers=[*reply.headers, *build()])

    return player


def _redirect(status: int, *, location: str = "", delivery: Delivery = "whole") -> Player:
    def player(play: Play) -> Reply:
        if play.placed:
            play.answer()
        target = location or play.provider.redirect_to
        page = b"<html><body>Moved</body></html>"
        return Reply(page, status, HTML_TYPE, [("Location", target)], delivery, play.number(120.0))

    return player


LOST: dict[str, Player] = {
    "timeout_after_accept": _lost("hang"),
    "late_place": _late(None),
    "late_beyond_settle": _late(3600.0),
    "close_no_answer": _lost("close"),
    "rst_no_answer": _lost("rst"),
    "half_status": _lost("half_status"),
    "reset_mid_body": _lost("reset_mid_body"),
    "short_body": _lost("short_body"),
    "drip_headers": _lost("drip_headers"),
    "drip_body": _lost("drip_body"),
    "continue_forever": _lost("continue_forever"),
}
SIZE: dict[str, Player] = {
    "gzip_bomb": _gzip_bomb,
    "big_body": _big_body,
    "header_1mb": _more_headers(lambda: [("X-Padding", "x" * 1_000_000)]),
    "headers_500": _more_headers(lambda: [(f"X-Padding-{index}", "x") for index in range(500)]),
}
REDIRECT: dict[str, Player] = {
    "r301": _redirect(301),
    "r302": _redirect(302),
    "r307": _redirect(307),
    "r308": _redirect(308),
    "r307_drip": _redirect(307, delivery="drip_body"),
    "r307_bad_location": _redirect(307, location="http://[::1/api/v2"),
}
# These act before a request is read. Asked for by a link they come too late for that and do what is nearest to it.
EARLY: dict[str, Player] = {
    "rst_on_accept": _lost("rst"),
    "close_on_accept": _lost("close"),
    "never_read": _lost("hang"),
    "tls_bad_cert": _lost("close"),
    "tls_not_tls": _lost("close"),
    "tls_drip": _lost("hang"),
}
