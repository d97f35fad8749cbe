"""Every link on the main pages of the admin leads each role to a page that it may open."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from accounts.models import User
from core.clock import database_now
from notices.alerts import open_alert
from orders.models import Order
from storefront.cockpit.reports.profit import BY
from storefront.cockpit.reports.views import TABS
from tests.admin.role_rows import *  # noqa: F403 - its fixtures
from tests.admin.role_rows import PAGES, page_of, row_of, sent, unrendered

_LINK = re.compile(r'<a\b[^>]*?\bhref="(/[^"#]*)')


def main_pages(client: Client) -> Iterator[str]:
    """Today, a customer, the reports, and of each table the list and a row."""
    alice = User.objects.get(email="alice@example.com")
    yield reverse("admin:index")
    yield reverse("admin:alerts")
    yield reverse("admin:accounts_user_change", args=[alice.pk])
    yield reverse("admin:accounts_user_statement", args=[alice.pk])
    yield from (reverse("admin:report", args=[kind]) for kind in TABS)
    yield from (f"{reverse('admin:report')}?by={by}&period=7" for by in BY)
    yield from (reverse("admin:orders_order_change", args=[order.pk]) for order in Order.objects.all())
    for model, _page in PAGES:
        yield page_of(model, "changelist")
        if (row := row_of(model)) is not None:
            yield page_of(model, "change", row.pk)


def links_of(client: Client) -> dict[str, tuple[str, str]]:
    """Return a link to each page that the main pages lead to, by the page's name, and where it stands."""
    found: dict[str, tuple[str, str]] = {}
    for page in main_pages(client):
        answer: HttpResponse = sent(client, "get", page)
        if answer.status_code != 200:
            continue
        for address in map(unescape, _LINK.findall(answer.content.decode())):
            try:
                name = resolve(urlsplit(address).path).view_name
            except Resolver404:
                name = address
            found.setdefault(name, (address, page))
    return found


@pytest.mark.walk
@pytest.mark.parametrize("letter", "msac")
def test_no_link_leads_to_a_page_that_the_role_may_not_open(
    staff_of_a_shop: dict[str, Client], letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = database_now()
    for path in (reverse("admin:catalog_provider_changelist"), reverse("admin:orders_order_changelist")):
        open_alert(cause=path, title="Look", path=path, now=now)
    client = staff_of_a_shop[letter]
    links = links_of(client)
    assert len(links) > 10
    monkeypatch.setattr(SimpleTemplateResponse, "render", unrendered)
    answers = {where: sent(client, "get", where[0]).status_code for where in links.values()}
    assert [where for where, status in answers.items() if status >= 400] == []
