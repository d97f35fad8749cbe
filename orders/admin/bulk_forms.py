from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from orders.admin.doubt_forms import Decision
from orders.jobs.by_staff import NOTE, PART, StaffKind

#: Above so many orders their number has to be typed.
TYPED_ABOVE = 20


class BulkForm(Decision):
    """The reason of a job of staff, the part that is refunded, and how many orders it is about where they are many."""

    percent = forms.DecimalField(
        label=_("Percent of what is left"),
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
        max_digits=5,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "dir": "ltr"}),
        help_text=_("Of each order, of what was not refunded yet. From 0.01 to 100."),
    )
    count = forms.CharField(
        label=_("Number of orders"),
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "dir": "ltr"}),
    )
    field_order = ("percent", "reason", "count")

    def __init__(self, *args: Any, kind: StaffKind, orders: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._orders = orders
        self.fields["reason"].help_text = _("Stored with each order under your name. No customer sees it.")
        if kind is NOTE:
            self.fields["reason"].label = _("Note")
            self.fields["reason"].help_text = _("Added to the history of each order. No customer sees it.")
        if kind is not PART:
            del self.fields["percent"]
        if orders <= TYPED_ABOVE:
            del self.fields["count"]
        else:
            self.fields["count"].help_text = _("Type %(count)s to confirm.") % {"count": orders}

    def clean_count(self) -> str:
        """Refuse any other number than the page names."""
        typed = str(self.cleaned_data["count"]).replace(",", "").strip()
        if typed != str(self._orders):
            text = ngettext("This is about %(count)s order. Type that number.",
                            "This is about %(count)s orders. Type that number.", self._orders)  # fmt: skip
            raise forms.ValidationError(text % {"count": self._orders})
        return typed
