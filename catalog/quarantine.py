"""Why a row of a provider's list is not sold, and which of these reasons the owner may set aside. Pure."""

from decimal import Decimal

RATE_JUMP = "rate_jump"
#: A rate that changed by more than this factor, either way, is not sold before somebody looks at it.
JUMP_FACTOR = 10

#: Reasons that leave a row as it was read complete; every other one leaves nothing an order could be made of.
_ACCEPTABLE = (RATE_JUMP, "conflicting_duplicates", "duplicate_key")


def is_only_a_jump(reasons: list[str]) -> bool:
    """Whether a rate that jumped is all that stands against a row."""
    return bool(reasons) and all(reason.startswith(f"{RATE_JUMP}:") for reason in reasons)


def is_acceptable(reasons: list[str]) -> bool:
    """Whether the owner's word is all that is missing: the row as read can be ordered and has a rate above zero."""
    return bool(reasons) and all(reason.partition(":")[0] in _ACCEPTABLE for reason in reasons)


def is_jump(old: Decimal, new: Decimal) -> bool:
    return new > old * JUMP_FACTOR or new * JUMP_FACTOR < old
