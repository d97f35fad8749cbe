"""What customers and staff type about tickets."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from orders.models import Order
from support.models import LONGEST_MESSAGE


class NewTicketForm(forms.Form):
    """A question, perhaps about one of the customer's orders."""

    order = forms.CharField(
        label=_("Order"), required=False, max_length=20, help_text=_("The number of one of your orders, or nothing"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "dir": "ltr"}),
    )  # fmt: skip
    subject = forms.CharField(
        label=_("Subject"), max_length=200, error_messages={"required": _("Please write what it is about.")}
    )
    message = forms.CharField(
        label=_("What should we know?"), max_length=LONGEST_MESSAGE, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("What you see, and what you expected. We see the order, its link and its times ourselves."),
        error_messages={"required": _("Please write a message.")},
    )  # fmt: skip

    def __init__(self, *args: Any, customer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._customer = customer

    def clean_order(self) -> Order | None:
        typed = str(self.cleaned_data["order"]).strip().lstrip("#")
        if not typed:
            return None
        found = order_of(self._customer, typed)
        if found is None:
            raise forms.ValidationError(_("You have no order with this number."))
        return found


def order_of(customer: User, number: str) -> Order | None:
    """Return the customer's order with this number as typed; None for anything else."""
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    own = Order.objects.filter(customer=customer).select_related("service").prefetch_related("cancellations")
    return own.filter(pk=number).first()


class AnswerForm(forms.Form):
    """What staff write. ``verb`` is the button that was pressed."""

    text = forms.CharField(required=False, widget=forms.Textarea)
    verb = forms.ChoiceField(choices=[(verb, verb) for verb in ("answer", "answer_and_close", "note")])
