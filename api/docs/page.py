"""The page for people: every action with samples that run, filled in with the reader's own numbers where known."""

from dataclasses import dataclass
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import ShopRequest
from api.docs.openapi import document
from api.docs.reference import STATES, TOPICS, Topic
from api.docs.refusals import ERRORS
from api.docs.samples import Sample, samples
from api.limits import CUSTOMER_SHARE
from api.messages import ErrorAnswer
from catalog.models import Service
from core.page_meta import page_meta
from core.revalidation import revalidated_for_visitors
from orders.models import Order, Refill
from orders.states import Progress
from upstream.service_types import SERVICE_TYPES, PricedBy, QuantitySource, ServiceType


@dataclass(frozen=True)
class Numbers:
    """The numbers in the samples: those of the reader's own orders, or made-up ones."""

    service: int = 2104
    quantity: int = 1000
    order: int = 48224
    refillable: int = 48224
    refill: int = 311

    @classmethod
    def of(cls, reader: User | None) -> "Numbers":
        sold = Service.objects.on_sale().filter(source__type__iexact="default").order_by("category__position", "id")
        service = sold.values_list("pk", "min", "max").first()
        known: dict[str, int] = {}
        if service:
            known |= {"service": service[0], "quantity": min(max(1000, service[1]), service[2])}
        if reader is not None:
            own = Order.objects.filter(customer=reader).order_by("-id")
            done = own.filter(progress=Progress.COMPLETED, service__source__refill=True)
            refills = Refill.objects.filter(order__customer=reader).order_by("-id")
            for name, rows in (("order", own), ("refillable", done), ("refill", refills)):
                if (number := rows.values_list("pk", flat=True).first()) is not None:
                    known[name] = number
        return cls(**known)

    def fields(self) -> dict[str, dict[str, str]]:
        """Return the fields of each action's sample."""
        return {
            "services": {},
            "add": {
                "service": str(self.service),
                "quantity": str(self.quantity),
                "link": "https://instagram.com/atelier.nord",
                "request_id": "cart-90817",
            },
            "status": {"order": str(self.order)},
            "refill": {"order": str(self.refillable), "request_id": f"refill-{self.refillable}"},
            "refill_status": {"refill": str(self.refill)},
            "cancel": {"orders": str(self.order), "request_id": f"cancel-{self.order}"},
            "balance": {},
            "createTicket": {"subject": "Order is slow", "message": "When will it start?", "request_id": "ticket-1"},
        }


@dataclass(frozen=True)
class Shown:
    """One action as the page prints it."""

    topic: Topic
    samples: list[Sample]

    @property
    def answer(self) -> str:
        return msgspec.json.format(msgspec.json.encode(self.topic.answer), indent=2).decode()

    @property
    def refusal(self) -> str:
        words = {
            "add": "Not enough funds on balance",
            "status": "Incorrect order ID",
            "refill_status": "Refill not found",
        }
        text = words.get(self.topic.name)
        return msgspec.json.format(msgspec.json.encode(ErrorAnswer(text)), indent=2).decode() if text else ""


@dataclass(frozen=True)
class TypeRow:
    kind: ServiceType

    @property
    def quantity(self) -> str:
        words = {
            QuantitySource.FIELD: _("the field quantity"),
            QuantitySource.COMMENT_LINES: _("the lines of comments"),
            QuantitySource.USERNAME_LINES: _("the lines of usernames"),
            QuantitySource.ONE: _("always 1"),
            QuantitySource.NONE: _("max for each post"),
        }
        return words[self.kind.quantity_from]

    @property
    def unit(self) -> str:
        return _("per package") if self.kind.priced_by is PricedBy.PACKAGE else _("per 1,000")


def endpoint_address() -> str:
    return f"{settings.SHOP_URL}/api/v2"


@require_safe
@revalidated_for_visitors
def page(request: ShopRequest) -> HttpResponse:
    fields = Numbers.of(request.customer or None).fields()
    address = endpoint_address()
    said = _("The API of this shop, version 2: every action with its fields, answers, errors and samples that run.")
    context: dict[str, Any] = {
        "page": "api",
        "meta": page_meta(title=_("API"), description=said, path=request.path),
        "address": address,
        "shown": [Shown(t, samples(address, {"action": t.name, **fields[t.name]})) for t in TOPICS],
        "states": STATES,
        "types": [TypeRow(kind) for kind in SERVICE_TYPES],
        "errors": ERRORS,
        "rate": settings.API_RATE_PER_MINUTE,
        "customer_rate": settings.API_RATE_PER_MINUTE * CUSTOMER_SHARE,
    }
    return render(request, "api/docs.html", context)


@require_safe
def openapi(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(document(settings.SHOP_NAME, settings.SHOP_URL))
