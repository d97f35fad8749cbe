from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class Decision(forms.Form):
    """The reason, stored with the order and the name of who gave it. The customer does not see it."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        strip=True,
        help_text=_("Stored with the order under your name. The customer does not see it."),
    )

    _focused: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Two of these forms stand on one page, and the id of a field must be unique there.
        super().__init__(*args, **{"auto_id": f"{type(self).__name__.lower()}_%s", **kwargs})
        self.fields["reason"].widget.attrs["size"] = 60

    def add_error(self, field: str | None, error: Any) -> None:
        """Focus the first wrong field, so that its error is the first thing seen, or read by a screen reader."""
        super().add_error(field, error)
        if self._focused is None and field in self.fields and not self.fields[field].widget.use_fieldset:
            self._focused = field
            self.fields[field].widget.attrs["autofocus"] = True


class _AttemptDecision(Decision):
    #: The attempt that was on the page: by the time the form is sent there may be a later one.
    attempt = forms.IntegerField(required=False, widget=forms.HiddenInput)


class PlacedForm(_AttemptDecision):
    upstream_id = forms.CharField(
        label=_("Order number at the provider"),
        max_length=64,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
        help_text=_("The shop asks the provider about this number before it stores anything."),
    )
    field_order = ("upstream_id", "reason")


class NotPlacedForm(_AttemptDecision):
    """Stands twice on the page, once for each of what happens next: a button each, and no choice to overlook."""

    then = forms.ChoiceField(choices=[("refund", ""), ("queue", "")], widget=forms.HiddenInput)


class _OrderDecision(Decision):
    #: A digest of what the page showed: by the time the form is sent the order may have changed.
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


class SettleForm(_OrderDecision):
    missing = forms.IntegerField(
        label=_("Units that did not arrive"),
        # Not type=number: the mouse wheel changes such a field unnoticed, and it drops letters silently.
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 12, "dir": "ltr"}),
    )
    field_order = ("missing", "reason")

    def __init__(self, *args: Any, total: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["missing"].help_text = _(
            "0: all of it arrived, the shop keeps the money. %(total)s: nothing arrived, all of it is refunded."
        ) % {"total": total}


class DismissForm(_OrderDecision):
    pass


class ForeignForm(Decision):
    pass
