"""The provider's answer to one request, before any socket is involved."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Delivery = Literal[
    "whole",
    "hang",
    "close",
    "rst",
    "half_status",
    "reset_mid_body",
    "short_body",
    "drip_headers",
    "drip_body",
    "continue_forever",
]

JSON_TYPE = "application/json"
HTML_TYPE = "text/html; charset=UTF-8"


@dataclass(slots=True)
class Reply:
    """One answer and how it is delivered.

    ``delivery`` other than ``whole`` means that the client gets less than the answer: the server does so on the
    socket, a test without sockets reads the name. ``seconds`` is how long a delivery that waits does so at most.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = JSON_TYPE
    headers: list[tuple[str, str]] = field(default_factory=list)
    delivery: Delivery = "whole"
    seconds: float = 120.0
    fault: str | None = None


def json_reply(value: Any, status: int = 200) -> Reply:
    return Reply(body=dump(value), status=status)


def error_reply(text: str, status: int = 200) -> Reply:
    return json_reply({"error": text}, status)


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def plain(amount: Decimal) -> str:
    """Write an amount exactly and without exponent: ``0.27819``, ``0``, ``100``."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
