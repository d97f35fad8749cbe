"""Where the rows of a service list stand in an answer, and whether they are all of them.

The list is documented as a bare list. Panels wrap it in `services` or `data`; others were seen in objects such as
`{"status": "success", "msg": [...]}` and `{"data": {"services": [...]}}`, some of them with pages.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from upstream.strict_json import Fields, clean

#: May be empty lists as well: then the list is empty.
_USUAL = ("services", "data")
#: Only with objects in them: elsewhere they hold messages.
_SEEN = ("result", "results", "response", "list", "items", "rows", "records", "products", "payload", "msg", "message")
_MOST_WRAPPERS = 3
_MOST_KEYS_NAMED = 8
_BESIDE = ("meta", "pagination", "paging", "paginator", "pager", "page_info", "links", "_meta", "_links")
_TOTALS = ("total", "total_count", "totalcount", "total_items", "total_services", "total_rows", "recordstotal")
_PAGES = ("last_page", "lastpage", "total_pages", "totalpages", "page_count", "pagecount", "pages", "num_pages")
_NEXT = ("next_page_url", "next_page", "nextpage", "next", "next_url", "has_more", "hasmore", "has_next", "hasnext")


class Wrapped:
    """`rows` is what was found where rows should be; `layers` are the objects around it, the outermost first."""

    def __init__(self, value: Any) -> None:
        self.rows = value
        self.layers: list[Fields] = []
        while isinstance(self.rows, dict) and len(self.layers) < _MOST_WRAPPERS:
            fields = Fields(self.rows)
            found = [fields[key] for key in _USUAL if isinstance(fields.get(key), dict | list)]
            found = found or [fields[key] for key in _SEEN if _holds_objects(fields.get(key))]
            if not found:
                break
            self.layers.append(fields)
            self.rows = found[0]

    @property
    def missing(self) -> str:
        """What says that this is not the whole list, in words for the owner; empty if nothing does."""
        for layer in self.layers:
            for fields in (layer, *(Fields(layer[key]) for key in _BESIDE if isinstance(layer.get(key), dict))):
                total = max((_number(fields.get(key)) for key in _TOTALS), default=0)
                pages = max((_number(fields.get(key)) for key in _PAGES), default=0)
                if total > len(self.rows):
                    return f"{len(self.rows)} of {total} services"
                if pages > 1:
                    return f"one of {pages} pages"
                if name := next((key for key in _NEXT if fields.get(key) not in (None, False, "", 0)), ""):
                    return f"more is announced in {name}"
        return ""


def keys_of(value: Any) -> str:
    """Return the keys of an object in words, bounded; empty for anything else."""
    if not isinstance(value, dict) or not value:
        return ""
    names = [clean(str(name), 40) for name in list(value)[:_MOST_KEYS_NAMED]]
    return f"an object with the keys {', '.join(names)}{' …' if len(value) > _MOST_KEYS_NAMED else ''}"


def _holds_objects(value: Any) -> bool:
    """True for a list of objects, and for an object with something in it that could be one."""
    if isinstance(value, dict):
        return any(isinstance(item, dict) and item or _holds_objects(item) for item in value.values())
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _number(value: Any) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 12:
        return int(value)
    return int(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 < value < 10**9 else 0
