"""No page of the admin shows a number with an exponent or with zeros that nobody would write."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib import admin as site
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import CustomerGroup, User
from billing import ledger
from catalog.models import MarkupRule, Provider, Service
from catalog.prices.adjustments import adjust
from core.clock import database_now
from orders.models import ForwardAttempt, Order

#: 0E-18, 1e-7; and three places or more of which the last is a zero: 1.500, 1.0000000000.
ODD = re.compile(r"(?<![\w.])\d+(?:\.\d+)?[eE][-+]?\d+(?!\w)|(?<![\w.])\d[\d,]*\.\d{2,}0(?![\d.\w])")


def numbers_on(html: str) -> list[str]:
    """The odd numbers in the text and in the fields of a page; what others wrote is shown as it was received."""
    html = re.sub(r"<(script|style|textarea|pre)\b.*?</\1>", " ", html, flags=re.DOTALL)
    fields = re.findall(r'<input[^>]*\bvalue="([^"]*)"', html)
    text = re.sub(r"<(?!/?(?:small|span|b)\b)[^>]*>", " ", html)
    return ODD.findall(unescape("\n".join([re.sub(r"<[^>]*>", "", text), *fields])))


def test_odd_numbers_are_found() -> None:
    assert numbers_on('<p>0E-18 <b>1.50</b>0 $1.20</p><input value="1.0000000000">') == [
        "0E-18",
        "1.500",
        "1.0000000000",
    ]
    assert numbers_on("<td>0.5 12:30:00 1.20 3.14 10 1,000.50 2.10.0 abc1e5</td>") == []


def test_every_page_shows_plain_numbers(
    admin: Client, alice: User, service: Service, doubted: Order, partial: Order
) -> None:
    ledger.credit(customer=alice, amount=Decimal("12.5"), reason="bank", actor="owner", reference="r1")
    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal("-2.5"))
    MarkupRule.objects.create(name="All", percent=Decimal("12.5"), fixed=Decimal("0.01"), group=group)
    adjust([service.pk], Decimal(5), name="All", by="owner", now=database_now())
    Provider.objects.update(balance=Decimal("9988.3615"), low_balance=Decimal(0))
    readings = {"before": "9988.361510000000000000", "after": "9988.36151", "fell_by_cost": False}
    ForwardAttempt.objects.filter(order=doubted).update(evidence={"balance": readings})
    pages_seen: list[str] = []
    found: dict[str, list[str]] = {}
    for model, page in site.site._registry.items():
        names: list[tuple[str, list[Any]]] = [("changelist", [])]
        first = model._default_manager.first()
        names += [("change", [first.pk])] if first is not None else []
        for name, args in names:
            try:
                address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)
            except NoReverseMatch:
                continue
            answer = admin.get(address)
            pages_seen.append(answer.content.decode())
            assert answer.status_code in (200, 302), f"{address} of {page}"
            if odd := numbers_on(answer.content.decode()):
                found[address] = odd
    assert found == {}
    assert any("9988.36151 – 9988.36151" in " ".join(page.split()) for page in pages_seen)


@pytest.mark.parametrize("percent", ["0", "7.25"])
def test_a_new_rules_form_shows_plain_numbers(admin: Client, percent: str) -> None:
    html = admin.get(reverse("admin:catalog_markuprule_add"), {"percent": percent}).content.decode()
    assert numbers_on(html) == []
