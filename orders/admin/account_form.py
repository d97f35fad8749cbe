import re
import secrets
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.numbers import NotANumber, read_decimal
from orders.models import EntryKind

_NONCE = re.compile(r"[0-9a-f]{32}")
# Not \d: that also matches the digits of other scripts.
_PLAIN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,18})?")


def new_nonce() -> str:
    """A key for one entry, made when the form is shown, so that a form sent twice enters money once."""
    return secrets.token_hex(16)


class EntryForm(forms.Form):
    """Money on our account at a provider, as the owner registers it."""

    kind = forms.ChoiceField(label=_("Kind"), choices=EntryKind.choices, initial=EntryKind.DEPOSIT)
    amount = forms.CharField(
        label=_("Amount"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("In the provider's currency. Only a correction may be negative."),
    )
    reference = forms.CharField(
        label=_("Reference"), max_length=120, required=False, help_text=_("Payment or invoice number")
    )
    memo = forms.CharField(label=_("Reason"), max_length=300, strip=True)
    nonce = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, has_opening: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [EntryKind.DEPOSIT, EntryKind.CORRECTION, *([] if has_opening else [EntryKind.OPENING])]
        self.fields["kind"].choices = [(k.value, k.label) for k in kinds]  # type: ignore[attr-defined]
        self.fields["memo"].widget.attrs["size"] = 60

    def clean_amount(self) -> Decimal:
        try:
            amount = read_decimal(self.cleaned_data["amount"], point=".")
        except NotANumber as refusal:
            raise ValidationError(str(refusal.message)) from refusal
        if not _PLAIN.fullmatch(f"{amount:f}"):
            raise ValidationError(_("Write digits and a point, such as 12.50."))
        return amount

    def clean_nonce(self) -> str:
        nonce: str = self.cleaned_data["nonce"]
        if not _NONCE.fullmatch(nonce):
            raise ValidationError(_("This form is not complete. Open it again."))
        return nonce
