"""Faults that lose, stretch or swell an answer whose deed was done, and redirects that try to get it sent elsewhere."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import cache

from upstream.simulator.actions import checked_purchase
from upstream.simulator.adding import Rejected
from upstream.simulator.play import Play, Player
from upstream.simulator.reply import HTML_TYPE, Delivery, Reply, error_reply

MEMBER = 16 * 1024 * 1024


def _lost(delivery: Delivery) -> Player:
    def play(it: Play) -> Reply:
        reply = it.answer()
        reply.delivery, reply.seconds = delivery, it.number(120.0)
        return reply

    return play


def _late(shortest: float | None) -> Player:
    """Say nothing and place the order later; it costs and counts from then on."""

    def play(it: Play) -> Reply:
        if it.call.action != "add" or it.refusal:
            return _lost("hang")(it)
        try:
            purchase = checked_purchase(it.sim, it.call)
        except Rejected as refusal:
            return error_reply(refusal.text, refusal.status)
        delay = it.number(shortest if shortest is not None else it.sim.plan.between(*it.sim.late_seconds))
        if it.placed:
            it.sim.books.at(it.call.now + delay, lambda when: void(it.sim.books.place(purchase, when)))
        return Reply(delivery="hang")

    return play


def void(_: object) -> None:
    return None


@cache
def _padding_member() -> bytes:
    return gzip.compress(b" " * MEMBER, 9)


def _gzip_bomb(it: Play) -> Reply:
    """About a megabyte that unpacks to a gigabyte of blanks behind the honest answer."""
    reply = it.answer()
    members = max(1, int(it.number(1024 * MEMBER / 16)) // MEMBER)
    body = gzip.compress(reply.body) + _padding_member() * members
    return replace(reply, body=body, headers=[*reply.headers, ("Content-Encoding", "gzip")])


def _big_body(it: Play) -> Reply:
    reply = it.answer()
    return replace(reply, body=reply.body + b" " * int(it.number(20 * 1024 * 1024)))


def _header_1mb(it: Play) -> Reply:
    reply = it.answer()
    return replace(reply, headers=[*reply.headers, ("X-Padding", "x" * 1_000_000)])


def _headers_500(it: Play) -> Reply:
    reply = it.answer()
    return replace(reply, headers=[*reply.headers, *((f"X-Padding-{index}", "x") for index in range(500))])


def _redirect(status: int, *, location: str = "", delivery: Delivery = "whole") -> Player:
    def play(it: Play) -> Reply:
        if it.placed:
            it.answer()
        target = location or it.sim.redirect_to
        page = b"<html><body>Moved</body></html>"
        return Reply(page, status, HTML_TYPE, [("Location", target)], delivery, it.number(120.0))

    return play


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
    "header_1mb": _header_1mb,
    "headers_500": _headers_500,
}
REDIRECT: dict[str, Player] = {
    "r301": _redirect(301),
    "r302": _redirect(302),
    "r307": _redirect(307),
    "r308": _redirect(308),
    "r307_drip": _redirect(307, delivery="drip_body"),
    "r307_bad_location": _redirect(307, location="http://[::1/api/v2"),
}
# What a client sees of these is decided before it is read; asked for by a link, they come as near as they can.
EARLY: dict[str, Player] = {
    "rst_on_accept": _lost("rst"),
    "close_on_accept": _lost("close"),
    "never_read": _lost("hang"),
    "tls_bad_cert": _lost("close"),
    "tls_not_tls": _lost("close"),
    "tls_drip": _lost("hang"),
}
