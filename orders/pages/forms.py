"""The order form: exactly the fields the service's type needs. `orders.checkout.checks` checks them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import Service
from core.quick_select import QuickSelect
from orders.checkout.coded_fields import choices_of
from orders.checkout.fields import FieldProblem
from orders.pages.link_help import link_hint
from upstream.service_types import SUBSCRIPTION_DELAYS, QuantitySource, ServiceType, service_type

SUBSCRIPTION = ("username", "posts", "min", "max", "old_posts", "delay", "expiry")
DRIPFEED = ("runs", "interval")
#: What the column of an order takes.
MAX_NONCE = 64
USUAL_QUANTITIES = (100, 500, 1000, 5000, 10_000, 50_000)

#: Field of the provider API -> label, hint.
TEXTS = {
    "link": (_("Link"), ""),
    "quantity": (_("Quantity"), ""),
    "comments": (_("Comments"), _("One per line")),
    "usernames": (_("User names"), _("One per line")),
    "hashtags": (_("Hashtags"), _("One per line")),
    "hashtag": (_("Hashtag"), ""),
    "username": (_("User name"), ""),
    "media": (_("Link to the post"), _("People who like this post are mentioned")),
    "answer_number": (_("Number of the answer"), _("1 for the first answer of the poll")),
    "groups": (_("Groups"), _("One per line")),
    "keywords": (_("Keywords"), _("One per line")),
    "country": (_("Country"), ""),
    "device": (_("Device"), ""),
    "type_of_traffic": (_("They come from"), ""),
    "google_keyword": (_("Search word"), _("For traffic from searches")),
    "referring_url": (_("Referring address"), _("For traffic from another page")),
    "min": (_("At least, per post"), ""),
    "max": (_("At most, per post"), _("The maximum is reserved for every post; you get back what is not delivered")),
    "posts": (_("New posts"), _("How many posts to come")),
    "old_posts": (_("Older posts to serve as well"), _("0 for none")),
    "delay": (_("Delay after a post"), _("Minutes")),
    "expiry": (_("Ends on"), _("Empty: when all posts are served")),
    "runs": (_("Runs"), _("How many times")),
    "interval": (_("Pause"), _("Minutes between runs")),
}
LINES = frozenset({"comments", "usernames", "hashtags", "groups", "keywords"})
NUMBERS = frozenset({"quantity", "runs", "interval", "answer_number", "min", "max", "posts", "old_posts"})


class OrderForm(forms.Form):
    """Refuses nothing by itself: problems come from :func:`orders.checkout.checks.check` through :meth:`show`."""

    nonce = forms.CharField(required=False, max_length=MAX_NONCE, widget=forms.HiddenInput)

    def __init__(self, service: Service, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "f-%s"})
        self.service = service
        self.kind: ServiceType | None = service_type(service.type)
        #: What is in the way of an order, as far as somebody asked for a charge.
        self.problems: dict[str, FieldProblem] = {}
        self.suggestions: dict[str, str] = {}
        for name in self._names():
            label, hint = TEXTS.get(name, (name.replace("_", " ").capitalize(), ""))
            if name == "link":
                hint = link_hint(service)
            limits = {"min": f"{service.min:,}", "max": f"{service.max:,}"}
            if name == "quantity" or (name == "min" and name in SUBSCRIPTION):
                hint = _("Between %(min)s and %(max)s") % limits
            elif self.kind is not None and name == self.kind.quantity_from.value:
                hint = _("One per line, between %(min)s and %(max)s lines. Each line is one delivery.") % limits
            choices = choices_of(service, name)
            self.fields[name] = forms.CharField(
                label=label, help_text=str(hint), required=False, strip=False,
                widget=_widget(name) if choices is None else QuickSelect(choices=[("", _("Choose")), *choices.items()]),
            )  # fmt: skip

    def _names(self) -> list[str]:
        if self.kind is None:
            return []
        if self.kind.quantity_from is QuantitySource.NONE:
            return list(SUBSCRIPTION)
        names = [n for n in self.kind.fields if n not in DRIPFEED]
        if self.kind.allows_dripfeed and self.service.allows_dripfeed:
            names += DRIPFEED
        return names

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self._names() if name not in DRIPFEED]

    @property
    def allows_dripfeed(self) -> bool:
        return "runs" in self.fields

    @property
    def dripfeed_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in DRIPFEED]

    @property
    def wants_dripfeed(self) -> bool:
        return any(self[name].value() for name in DRIPFEED)

    @property
    def usual_quantities(self) -> list[int]:
        """Four quantities to tap that this service allows."""
        return [n for n in USUAL_QUANTITIES if self.service.min <= n <= self.service.max][:4]

    @property
    def nearest_quantity(self) -> int | None:
        text = self.suggestions.get("quantity", "")
        return int(text) if text.isdigit() else None

    def focus_first_empty(self) -> None:
        """Put the focus of the page on the first field that is still empty."""
        empty = next((field for field in self.main_fields if not field.value()), None)
        if empty is not None:
            empty.field.widget.attrs["autofocus"] = True

    def typed(self) -> dict[str, str]:
        """Return what was typed under the provider API's names, for quoting and placing."""
        return {name: str(self[name].value() or "") for name in self._names()}

    def show(self, problems: Mapping[str, FieldProblem], *, only: Iterable[str] | None = None) -> None:
        """Attach each problem to its field; with ``only``, to these fields alone."""
        self.full_clean()
        self.problems = dict(problems)
        for name, problem in problems.items():
            if only is not None and name not in only:
                continue
            self.suggestions[name] = problem.suggestion
            self.add_error(name if name in self.fields else None, problem.message)


def _widget(name: str) -> forms.Widget:
    if name in LINES:
        return forms.Textarea(attrs={"rows": 6, "spellcheck": "false"})
    if name == "delay":
        return forms.Select(choices=[(str(m), str(m)) for m in SUBSCRIPTION_DELAYS])
    attrs = {"autocomplete": "off"}
    if name == "expiry":
        return forms.TextInput(attrs={**attrs, "inputmode": "numeric", "placeholder": "31/12/2030", "dir": "ltr"})
    if name in NUMBERS:
        attrs["inputmode"] = "numeric"
    elif name in ("link", "media", "referring_url"):
        attrs |= {"inputmode": "url", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}
    return forms.TextInput(attrs=attrs)
