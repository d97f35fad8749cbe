from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class _Decision(forms.Form):
    """Why: kept with the order, with who said it. The customer does not read it."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        strip=True,
        help_text=_("Kept with the order under your name. The customer does not see it."),
    )

    _wrong: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Two of them stand on one page, and a label names one field.
        super().__init__(*args, **{"auto_id": f"{type(self).__name__.lower()}_%s", **kwargs})
        self.fields["reason"].widget.attrs["size"] = 60

    def add_error(self, field: str | None, error: Any) -> None:
        """The first wrong field has the focus, so that what is wrong with it is the first thing heard and seen."""
        super().add_error(field, error)
        if self._wrong is None and field in self.fields and not self.fields[field].widget.use_fieldset:
            self._wrong = field
            self.fields[field].widget.attrs["autofocus"] = True


class _AboutTry(_Decision):
    #: The try that was on the page: by the time the form is sent there may be a later one.
    attempt = forms.IntegerField(required=False, widget=forms.HiddenInput)


class PlacedForm(_AboutTry):
    upstream_id = forms.CharField(
        label=_("Its number at the provider"),
        max_length=64,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
        help_text=_("The provider is asked for it before anything is written down."),
    )
    field_order = ("upstream_id", "reason")


class NotPlacedForm(_AboutTry):
    then = forms.ChoiceField(
        label=_("Then"),
        choices=[("refund", _("Return the money")), ("queue", _("Send it again"))],
        widget=forms.RadioSelect,
    )
    field_order = ("then", "reason")


class _AboutShown(_Decision):
    #: Stands for what the page showed: by the time the form is sent the order may be another.
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


class SettleForm(_AboutShown):
    missing = forms.IntegerField(
        label=_("Not delivered"),
        # Not type=number: a turn of the wheel changes that one unseen, and letters vanish from it without a word.
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 12, "dir": "ltr"}),
    )
    field_order = ("missing", "reason")

    def __init__(self, *args: Any, total: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["missing"].help_text = _(
            "0: all of it arrived, the shop keeps the money. %(total)s: nothing arrived, all of it is refunded."
        ) % {"total": total}


class DismissForm(_AboutShown):
    pass


class ForeignForm(_Decision):
    pass
