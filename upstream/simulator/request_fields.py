"""The fields of a request body: form-encoded as a rule, JSON where a client prefers it."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl


def read_fields(body: bytes, content_type: str) -> dict[str, str]:
    """Return the fields as texts; an unreadable body has none. The query string is never looked at."""
    try:
        if "json" in content_type.lower():
            value = json.loads(body)
            return {str(key): _as_text(item) for key, item in value.items()} if isinstance(value, dict) else {}
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except (ValueError, RecursionError):
        return {}


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(_as_text(item) for item in value)
    return "" if value is None else str(value)
