"""Why an order cannot be placed yet, in one sentence, with the field to go to."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.checkout.fields import FieldProblem
from orders.pages.forms import OrderForm

#: The picker's search field.
PICKER = "svc"

_EMPTY = {
    "link": gettext_lazy("Give a link first."),
    "quantity": gettext_lazy("Give a quantity first."),
    "comments": gettext_lazy("Write the comments first."),
    "username": gettext_lazy("Give a user name first."),
    "usernames": gettext_lazy("Give the user names first."),
}


@dataclass(frozen=True)
class Reason:
    """``field`` is the id of the field to go to, empty if no field helps; ``way`` are the words of the link to it."""

    text: str
    field: str = ""
    way: str = ""


def no_service() -> Reason:
    """Return the reason while no service is chosen."""
    return Reason(_("Choose a service first."), PICKER, _("Choose"))


def reason_of(form: OrderForm, problems: Mapping[str, FieldProblem]) -> Reason | None:
    """Return the reason for these problems, of the first field that has one; None without problems.

    What is empty comes after what is wrong: somebody who has not come to a field yet has made no mistake.
    """
    typed = form.typed()
    wrong = [name for name in typed if name in problems and typed[name].strip()]
    empty = [name for name in typed if name in problems and not typed[name].strip()]
    if not wrong and not empty:
        general = next(iter(problems.values()), None)
        return Reason(general.message) if general else None
    name = [*wrong, *empty][0]
    field = form[name]
    if wrong:
        if problems[name].other_platform:
            text = _("The link is for another platform.")
        elif name == "link":
            text = _("The link is not right yet.")
        else:
            text = _("“%(field)s” is not right yet.") % {"field": field.label}
        return Reason(text, field.id_for_label, _("Change it"))
    if empty[:2] == ["link", "quantity"]:
        text = _("Give a link and a quantity first.")
    elif name in _EMPTY:
        text = str(_EMPTY[name])
    else:
        text = _("Fill in “%(field)s” first.") % {"field": field.label}
    return Reason(text, field.id_for_label, _("Fill it in"))
