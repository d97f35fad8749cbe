"""Forms and actions that change prices: shown first (carried out and rolled back), kept when confirmed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage import default_storage
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from accounts.fresh_sign_in import demand_fresh_sign_in, has_fresh_sign_in
from catalog.locks import lock_all_providers
from catalog.prices.comparison import Preview, compare_prices, prices_now
from core.shop_admin import ShopModelAdmin

#: The field in which the confirmation sends the digest of what was shown.
SEEN = "seen_prices"
#: Why the prices change, where that is asked for.
REASON, _REASON_LENGTH = "reason", 500
_NOT_REPEATED = ("csrfmiddlewaretoken", SEEN)


@dataclass(frozen=True)
class PreviewOptions:
    """What a preview shows and asks in addition to the prices.

    Prices that leave less than ``least_margin``, in percent of the price, are pointed out, with the price that would
    do. ``asks_reason``: nothing is kept without a reason. ``adjustment``: the name of the adjustment to be saved.
    """

    least_margin: Decimal | None = None
    asks_reason: bool = False
    adjustment: str = ""


def set_preview_options(request: HttpRequest, options: PreviewOptions) -> None:
    """Say what the preview of the change that this request makes should have."""
    request.preview_options = options  # type: ignore[attr-defined]


def note_for_preview(request: HttpRequest, note: str) -> None:
    """Show ``note`` above the preview of the change that this request makes. The confirmation is bound to it, too."""
    request.price_notes = [*getattr(request, "price_notes", []), note]  # type: ignore[attr-defined]


def note_typed_price(request: HttpRequest, service_id: int, price: Decimal) -> None:
    """Note the price that somebody typed for one service: a change to exactly this price needs no preview."""
    request.typed_prices = {**getattr(request, "typed_prices", {}), service_id: price}  # type: ignore[attr-defined]


def proof_of_preview(request: HttpRequest, digest: str) -> str:
    """Return what a confirmation must send: only a preview in this session, at this address, gives it away."""
    text = "\n".join((str(request.session.session_key), request.path, digest))
    return salted_hmac("catalog.price_preview", text, algorithm="sha256").hexdigest()


def proves_preview(request: HttpRequest, digest: str) -> bool:
    """Whether this form was sent from a preview with ``digest``, shown in this session and at this address."""
    return constant_time_compare(request.POST.get(SEEN, ""), proof_of_preview(request, digest))


class PricePreviewAdmin(ShopModelAdmin):
    """A page of the admin whose forms and actions change no price before the owner has seen it.

    Each POST is carried out in a transaction. If it changed prices, that is rolled back and shown instead, with a form
    that sends the same POST again. It is kept only if it then does exactly what was shown. One price that was typed
    needs no preview. Prices change only for somebody who proved a short time ago who they are.
    """

    #: Actions of the list that are previewed whatever they do to prices, if they left a note of what they did.
    always_previewed: tuple[str, ...] = ()
    #: Fields that must not be written into a page to be sent again.
    secret_fields: tuple[str, ...] = ()

    def groups_concerned(self, request: HttpRequest, object_id: str | None) -> Iterable[int]:
        """The ids of groups of customers whose prices this request may change while the list's prices stay."""
        return ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        view = super().changelist_view
        return self.with_preview(request, lambda: view(request, extra_context))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        view = super().changeform_view
        return self.with_preview(request, lambda: view(request, object_id, form_url, extra_context), object_id)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        view = super().delete_view
        return self.with_preview(request, lambda: view(request, object_id, extra_context), object_id)

    def with_preview(
        self,
        request: HttpRequest,
        view: Callable[[], HttpResponse],
        object_id: str | None = None,
        *,
        ask: bool = False,
        back: str = "",
    ) -> HttpResponse:
        """Return the answer of ``view``, or a preview of what it would do to prices; ``ask`` wants one in any case.

        ``back`` is where Cancel leads; without it, to the page that sent the form.
        """
        if request.method != "POST":
            return view()
        with transaction.atomic():
            lock_all_providers()
            groups = list(self.groups_concerned(request, object_id))
            before = prices_now(groups)
            response = view()
            notes = getattr(request, "price_notes", ())
            options: PreviewOptions = getattr(request, "preview_options", PreviewOptions())
            found = compare_prices(before, prices_now(groups), notes, options.least_margin)
            # Without a note nothing was done: a value was missing, or the change was refused.
            ask = (ask or request.POST.get("action") in self.always_previewed) and bool(notes)
            if not (ask or found.changed):
                return response
            found.digest = proof_of_preview(request, found.digest)
            seen = request.POST.get(SEEN)
            is_confirmed = constant_time_compare(seen or "", found.digest) or (not ask and _is_as_typed(request, found))
            lacks_reason = options.asks_reason and not request.POST.get(REASON, "").strip()
            # A borrowed session must not get as far as a confirmation.
            if is_confirmed and not lacks_reason and has_fresh_sign_in(request):
                return response
            transaction.set_rollback(True)
        # What was said about it did not happen.
        request._messages = default_storage(request)  # type: ignore[attr-defined]
        demand_fresh_sign_in(request)
        if any(request.POST.get(name) for name in self.secret_fields):
            messages.error(request, _("Nothing was saved. Save the key by itself, then what changes prices."))
            return HttpResponseRedirect(request.get_full_path())
        context = {
            "options": options,
            "is_other": seen is not None and not is_confirmed,
            "lacks_reason": is_confirmed and lacks_reason,
            "back": back or request.get_full_path(),
        }
        return self._preview_page(request, found, context)

    def preview_context(self, request: HttpRequest) -> dict[str, Any]:
        """More for the page of a preview; ``form`` is a form above it that asks for another preview."""
        return {}

    def _preview_page(self, request: HttpRequest, found: Preview, about: dict[str, Any]) -> HttpResponse:
        repeated = [(name, value) for name, values in request.POST.lists() for value in values]
        context = {
            **self.admin_site.each_context(request),
            "title": _("What this would do to prices"),
            "opts": self.opts,
            "preview": found,
            "seen_field": SEEN,
            "repeated": [(name, value) for name, value in repeated if name not in (*_NOT_REPEATED, REASON)],
            "reason": request.POST.get(REASON, "")[:_REASON_LENGTH],
            "reason_length": _REASON_LENGTH,
            "address": request.get_full_path(),
            **about,
            **self.preview_context(request),
        }
        return TemplateResponse(request, "admin/catalog/price_preview.html", context)


def _is_as_typed(request: HttpRequest, found: Preview) -> bool:
    """Whether the one price that changes becomes what was typed for it."""
    typed: dict[int, Decimal] = getattr(request, "typed_prices", {})
    return found.changed == 1 and found.shown[0].new == typed.get(found.shown[0].service_id)
