"""The owner's words for why a doubt is not decided."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WHY: dict[str, str | Promise] = {
    "no_own_id_before": _("No earlier order at this provider is known, so there is no place to begin searching."),
    "no_own_id_after": _("No order was sent late enough after it to end the search. The next sale supplies one."),
    "too_wide": _("Too many orders of other customers lie between; searching them would take too many calls."),
    "not_searched": _("The order numbers in question were not searched twice yet."),
    "stopped": _("Orders that are not ours appear under this key, so nothing can be told from a number."),
    "ambiguous": _("There is an order that may be this one or another one, or whose charge tells nothing."),
    "paid_for": _("No such order was found, but the balance fell by exactly its cost."),
    "restored": _("The database was put back since, so what it does not know proves nothing."),
    "unprovable": _("This provider's order numbers prove nothing, or searching is switched off for it."),
}


def why(reason: str) -> str | Promise:
    return WHY.get(reason, reason)
