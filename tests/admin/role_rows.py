"""A shop with rows in which somebody of each role is signed in, and requests of theirs that leave nothing behind."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import reverse

from accounts import roles
from accounts.models import StaffRole, User
from billing.topups.vouchers import make_batch
from catalog.models import DisplayCurrency, OrderRules, UnlistedText
from core.clock import database_now
from core.staff_actions import shell_actor
from orders.models import Order
from tests.billing.cast import money, request_test
from tests.ops.test_hostile_input import RolledBack
from tests.pages.cast import Orders, customer, refill_of_all, stock, tickets_of
from tests.pages.keys import used_key
from tests.pages.test_looks import changed_prices, own_pages, pages_of_topups
from tests.sign_in import sign_in_staff

PAGES = sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label_lower)


@pytest.fixture
def staff_of_a_shop(db: None, settings: Any) -> Iterator[dict[str, Client]]:
    """Who is signed in, by the first letter of the role: owner, manager, support, accountant, catalog editor."""
    settings.DEMO = True
    roles.sync_roles()
    alice, services = customer(), stock()
    Orders(alice, services[0]).one_of_each()
    changed_prices(services)
    used_key(alice)
    pages_of_topups(alice)
    own_pages()
    refill_of_all(alice)
    tickets_of(alice, Order.objects.all()[0])
    DisplayCurrency.objects.create(code="VND", rate=25_400, decimals=0)
    OrderRules.objects.create(text="Keep the profile public.")
    provider, now = services[0].source.provider, database_now()
    request_test(provider)
    UnlistedText.objects.create(provider=provider, text="no", first_at=now, last_at=now)
    make_batch(
        name="b", amount=money("5"), count=2, is_gift=False, good_until=None, actor=shell_actor(), now=database_now()
    )

    people = {"o": User.objects.create_superuser("owner@example.com", "correct horse battery")}
    for role in roles.ROLES:
        people[role.code[0]] = person = User.objects.create_user(f"{role.code}@example.com", is_staff=True)
        person.groups.set([group for row in StaffRole.objects.filter(code=role.code) if (group := row.group)])
    logging.disable(logging.CRITICAL)
    yield {letter: sign_in_staff(person) for letter, person in people.items()}
    logging.disable(logging.NOTSET)


@pytest.fixture
def staff(staff_of_a_shop: dict[str, Client], monkeypatch: pytest.MonkeyPatch) -> dict[str, Client]:
    """The same people. Pages are answered without being rendered."""
    monkeypatch.setattr(SimpleTemplateResponse, "render", unrendered)
    return staff_of_a_shop


def unrendered(response: SimpleTemplateResponse) -> SimpleTemplateResponse:
    """Stand for a page that is not rendered."""
    response.content = b""
    return response


def row_of(model: type[Model]) -> Model | None:
    """Return a row that the list of a table shows to an owner."""
    request = HttpRequest()
    request.user = User(is_superuser=True, is_active=True)
    page = admin.site._registry[model]
    row: Model | None = page.get_queryset(request).order_by("pk").first()
    return row


def page_of(model: type[Model], kind: str, pk: Any = None) -> str:
    """Return the address of one of Django's own pages: "changelist", "add", "change", "delete" or "history"."""
    where = [] if kind in ("changelist", "add") else [pk]
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=where)


def sent(client: Client, method: str, path: str, data: dict[str, Any] | None = None, after: Any = None) -> HttpResponse:
    """Send a request and roll back what it did; ``after`` is called before that."""
    cookies, answers = deepcopy(client.cookies), []
    with suppress(RolledBack), transaction.atomic():
        answers.append(getattr(client, method)(path, data or {}))
        if after is not None:
            after()
        raise RolledBack
    client.cookies = cookies
    answer: HttpResponse = answers[0]
    return answer
