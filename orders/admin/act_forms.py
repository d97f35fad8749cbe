from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MinValueValidator
from django.utils.translation import gettext_lazy as _

from orders.admin.doubt_forms import Decision


class LinkForm(Decision):
    link = forms.CharField(
        label=_("New link"),
        max_length=2000,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr", "size": 60}),
        help_text=_("Checked as when the order was placed. The price stays as it is."),
    )
    field_order = ("link", "reason")


class RefundForm(Decision):
    amount = forms.DecimalField(
        label=_("Amount"),
        max_digits=20,
        decimal_places=5,
        validators=[MinValueValidator(Decimal("0.00001"))],
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": 12, "dir": "ltr"}),
    )
    #: A digest of what the page showed: by the time the form is sent, money may have moved.
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)
    field_order = ("amount", "reason")

    def __init__(self, *args: Any, most: Decimal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].help_text = _("At most %(most)s, what is left of the charge.") % {
            "most": f"{most.normalize():f}"
        }


class NoteForm(Decision):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Note")
        self.fields["reason"].help_text = _("Added to the history of the order. No customer sees it.")
