"""What went over the wire in one call, kept as evidence whatever it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from upstream.spellings import spelled

EVIDENCE_LIMIT = 64 * 1024
KEY_MARK = "[key]"


@dataclass(frozen=True, repr=False)
class Exchange:
    """One HTTP exchange. Times are seconds since its start; `None` means that this never happened.

    `send_calls` is the proof: zero means that no byte of the request was handed to the kernel.
    `complete` means the announced length or last chunk arrived, or, with neither, that the peer ended the
    connection, and the deadline had not fired. `error` names what stopped the exchange, empty if nothing did.
    """

    action: str
    url: str
    request_fields: Mapping[str, str]
    elapsed: float = 0.0
    sent_at: float | None = None
    answered_at: float | None = None
    send_calls: int = 0
    bytes_sent: int = 0
    peer: str = ""
    http_status: int | None = None
    content_type: str = ""
    retry_after: float | None = None
    body: bytes = b""
    complete: bool = False
    deadline_fired: bool = False
    stop: str = ""
    error: str = ""
    secret: str = field(default="", compare=False)

    def __repr__(self) -> str:
        # Short on purpose: a panel may echo the key, and representations end in logs.
        return f"Exchange({self.action} HTTP {self.http_status} send_calls={self.send_calls} stop={self.stop!r})"

    def without_key(self, text: str) -> str:
        """Return the text with the API key replaced, in each spelling in which a panel may echo it."""
        return spelled(self.secret).sub(KEY_MARK, text) if self.secret else text

    def as_evidence(self) -> dict[str, Any]:
        """Return a JSON-safe record of the exchange: no API key, the body as text of at most 64 KiB."""
        body = storable(self.without_key(self.body.decode("utf-8", "replace")))
        return {
            "action": self.action,
            "url": storable(self.without_key(self.url)),
            "request_fields": {
                storable(name): storable(self.without_key(value)) for name, value in self.request_fields.items()
            },
            "elapsed": round(self.elapsed, 6),
            "sent_at": None if self.sent_at is None else round(self.sent_at, 6),
            "answered_at": None if self.answered_at is None else round(self.answered_at, 6),
            "send_calls": self.send_calls,
            "bytes_sent": self.bytes_sent,
            "peer": storable(self.peer),
            "http_status": self.http_status,
            "content_type": storable(self.without_key(self.content_type))[:200],
            "retry_after": self.retry_after,
            "body": body[:EVIDENCE_LIMIT],
            "body_bytes": len(self.body),
            "complete": self.complete,
            "deadline_fired": self.deadline_fired,
            "stop": self.stop,
            "error": storable(self.without_key(self.error))[:500],
        }


def storable(text: str) -> str:
    """Return the text with what a database refuses, NUL and lone surrogates, replaced by visible marks."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "�")
