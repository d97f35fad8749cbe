"""Who placed an order a moment ago, so that the next one need not ask who calls before it is written.

Nothing here is believed: the statement that writes compares key and customer (`accounts.api_keys.standing`), and where
anything differs it does nothing and the call goes the usual way. Keys are remembered by their digest alone.
"""

from dataclasses import dataclass, replace

from accounts.api_keys import Caller, digest_of, is_allowed_from
from accounts.models import Scope
from api.incoming import Call
from api.messages import Placed

_MOST = 10_000
_known: dict[str, Caller] = {}


@dataclass(frozen=True)
class Tried:
    """``answer`` is None when nothing was done. ``counted_for`` is the key whose limit counted the call already."""

    answer: Placed | None = None
    counted_for: int | None = None


def remember(call: Call, caller: Caller) -> None:
    if len(_known) >= _MOST:
        _known.clear()
    _known[digest_of(call.key)] = replace(caller, extra=())


def who(call: Call, address: str) -> Caller | None:
    """Who used this key of late and may order from ``address``, if key and customer are still what they were."""
    caller = _known.get(digest_of(call.key))
    return caller if caller and caller.may(Scope.ORDER) and is_allowed_from(caller.key, address) else None


def forget(call: Call) -> None:
    _known.pop(digest_of(call.key), None)
