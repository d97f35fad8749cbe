from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from billing.amounts import BadAmount, parse_amount
from core.numbers import NotANumber, read_decimal, read_whole


def new_nonce() -> str:
    """Return a new name for one top-up: a form that carries it starts one, however often it is sent."""
    return uuid4().hex


class TopUpForm(forms.Form):
    """How much, and by which method. Every price comes from our own rows: the form has none."""

    amount = forms.CharField(max_length=40, strip=True)
    method = forms.CharField(max_length=20, required=False)
    nonce = forms.CharField(max_length=64, required=False)
    service = forms.CharField(max_length=20, required=False)

    @property
    def choice(self) -> str:
        """What was chosen of the method, such as a coin; each method has a field of its own for that."""
        return str(self.data.get(f"choice_{self.cleaned_data['method']}", ""))[:40]

    def clean_amount(self) -> Decimal:
        try:
            amount = parse_amount(f"{read_decimal(self.cleaned_data['amount'], point='.'):f}")
        except (BadAmount, NotANumber) as problem:
            raise ValidationError(str(problem.message)) from problem
        if amount != amount.quantize(Decimal("0.01")):
            raise ValidationError(_("A top-up has at most two places after the point."))
        return amount

    def clean_method(self) -> int:
        return read_whole(self.cleaned_data["method"]) or 0

    @property
    def typed(self) -> dict[str, Any]:
        """What was typed, as it is, for the page that shows the form again."""
        chosen = [name for name in self.data if name.startswith("choice_")]
        return {name: str(self.data.get(name, ""))[:40] for name in ("amount", "method", "nonce", "service", *chosen)}
