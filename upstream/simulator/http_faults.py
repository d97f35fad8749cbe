"""Answers of gateways and protection proxies in place of the panel's own."""

from __future__ import annotations

from upstream.simulator.play import Play, Player
from upstream.simulator.reply import HTML_TYPE, Reply, dump

REASONS = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
    520: "Web server is returning an unknown error",
    521: "Web server is down",
    522: "Connection timed out",
    523: "Origin is unreachable",
    524: "A timeout occurred",
    525: "SSL handshake failed",
    526: "Invalid SSL certificate",
}
CHALLENGE = "<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


def _html_error(status: int) -> Player:
    """Answer with the error page of a gateway."""
    reason = REASONS[status]
    html = f"<html><head><title>{status} {reason}</title></head><body><h1>{reason}</h1></body></html>"
    return _fixed(status, html.encode(), HTML_TYPE)


def _fixed(status: int, body: bytes, content_type: str) -> Player:
    """Answer with the same status and body each time."""

    def player(play: Play) -> Reply:
        if play.placed:
            play.answer()
        return Reply(body, status, content_type)

    return player


_TOO_MANY = _fixed(429, dump({"error": "Too many requests"}), "application/json")


def _too_many_with_header(play: Play) -> Reply:
    reply = _TOO_MANY(play)
    reply.headers.append(("Retry-After", str(int(play.number(2)))))
    return reply


HTTP: dict[str, Player] = {
    "h500": _html_error(500),
    "h502_html": _html_error(502),
    "h503": _html_error(503),
    "h504": _html_error(504),
    **{f"h{status}": _html_error(status) for status in range(520, 527)},
    "h429": _TOO_MANY,
    "h429_retry_after": _too_many_with_header,
    "h403_challenge": _fixed(403, CHALLENGE.encode(), HTML_TYPE),
    "h200_html": _fixed(200, b"<!doctype html><html><body>Please sign in</body></html>", HTML_TYPE),
    "h200_empty": _fixed(200, b"", "application/json"),
    "h204": _fixed(204, b"", "application/json"),
}
