"""What the owner reads about why a doubt is not decided."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.doubt.missing_charges import CHARGE_UNKNOWN

WHY: dict[str, str | Promise] = {
    "no_own_id_before": _("No earlier order at this provider is known, so the search has nowhere to start."),
    "no_own_id_after": _("Not known yet. The next order at this provider settles it, or you do."),
    "too_wide": _("Too many orders of other customers lie in between: searching them would take too many calls."),
    "not_searched": _("The order numbers in question have not been searched twice yet."),
    "stopped": _("Orders that are not ours appear under this key, so an order number proves nothing."),
    "ambiguous": _("There is an order that may be this one or another one, or whose charge does not show whose it is."),
    CHARGE_UNKNOWN: _("An order that may be this one has no charge yet. It is asked about again until it has."),
    "paid_for": _("No such order was found, but the balance fell by exactly its cost."),
    "restored": _("The database was restored since, so what it does not know proves nothing."),
    "contradicted": _("Its repeated request was answered with another order than the first one may have placed."),
    "repeat_unverified": _("The repeated request was answered with a number that is not yet known to be the only one."),
    "unprovable": _("This provider's order numbers prove nothing, or searching is switched off for it."),
}


def why(reason: str) -> str | Promise:
    """Return the sentence for a machine word of `bracket.why`, or of a review."""
    return WHY.get(reason, reason)
