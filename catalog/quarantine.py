"""Why a row of a provider's list is not sold, and which of these reasons the owner may override. Pure functions."""

from decimal import Decimal

RATE_JUMP = "rate_jump"
OTHER_PRODUCT = "other_product"
#: A rate that changed by more than this factor, either way, is not sold before the owner accepts it.
JUMP_FACTOR = 10

#: Reasons that leave a row complete; with every other one, nothing could be ordered.
_ACCEPTABLE = (RATE_JUMP, OTHER_PRODUCT, "conflicting_duplicates", "duplicate_key")


def is_only_a_jump(reasons: list[str]) -> bool:
    """Whether a rate that jumped is the only reason."""
    return bool(reasons) and all(reason.startswith(f"{RATE_JUMP}:") for reason in reasons)


def is_acceptable(reasons: list[str]) -> bool:
    """Whether the owner may accept the row as read: it can be ordered and has a rate above zero."""
    return bool(reasons) and all(reason.partition(":")[0] in _ACCEPTABLE for reason in reasons)


def is_jump(old: Decimal, new: Decimal) -> bool:
    """Whether a rate changed by more than JUMP_FACTOR, up or down."""
    return new > old * JUMP_FACTOR or new * JUMP_FACTOR < old
