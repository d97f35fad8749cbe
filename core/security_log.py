"""The security log: one line for everything that somebody has to know after a break-in.

The logger "security" writes lines such as ``signed_in actor=customer:12 address=203.0.113.7 request=4f2a method=totp``.
No line holds a password, key, code or e-mail address, and nobody outside can forge one: values are short, and whatever
is not plain is written as JSON, in one line and in ASCII.
"""

import json
import logging
import re
from enum import StrEnum

from core.request_id import request_id

log = logging.getLogger("security")

_LONGEST = 200
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+,-]+")


class Event(StrEnum):
    """What is logged; docs/operations.md says what each means."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_LIMITED = "sign_in_limited"
    SIGN_UP_LIMITED = "sign_up_limited"
    SIGNED_OUT = "signed_out"
    CONFIRMED = "confirmed"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_USED = "factor_used"
    FACTOR_FAILED = "factor_failed"
    FACTOR_LIMITED = "factor_limited"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    ADDRESS_CHANGED = "address_changed"
    SESSIONS_ENDED = "sessions_ended"
    API_KEY_CREATED = "api_key_created"
    API_KEY_CHANGED = "api_key_changed"
    API_KEY_REVOKED = "api_key_revoked"
    API_KEY_REFUSED = "api_key_refused"
    ADMIN_REFUSED = "admin_refused"
    STAFF_ACTION = "staff_action"
    VOUCHER_REDEEMED = "voucher_redeemed"


def log_security(event: Event, *, actor: str, address: str | None, **facts: object) -> None:
    """Write one line. ``actor`` is "customer:12", "staff:17", "key:abcd1234", "shell" or "visitor"."""
    common = {"actor": actor, "address": address or "-", "request": request_id.get() or "-"}
    words = " ".join(f"{name}={_written(value)}" for name, value in {**common, **facts}.items())
    log.info("%s %s", event.value, words)


def _written(value: object) -> str:
    text = str(value)[:_LONGEST]
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
