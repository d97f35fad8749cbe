"""Drafts of orders that the database must not take."""

from datetime import timedelta
from typing import Any

from core.clock import database_now
from orders.models import OrderDraft
from tests.billing.bad_rows import Shop, refuses


def _draft(shop: Shop, **owner: Any) -> None:
    now = database_now()
    OrderDraft.objects.create(service=shop.service, fields={}, kept_at=now, expires_at=now + timedelta(days=7), **owner)


@refuses("draft_once_per_customer")
def two_drafts_of_a_customer(shop: Shop) -> None:
    _draft(shop, customer=shop.alice)
    _draft(shop, customer=shop.alice)


@refuses("draft_once_per_visitor")
def two_drafts_of_a_visitor(shop: Shop) -> None:
    _draft(shop, visitor="one")
    _draft(shop, visitor="one")


@refuses("draft_of_one_person")
def a_draft_of_nobody(shop: Shop) -> None:
    _draft(shop)


@refuses("draft_of_one_person")
def a_draft_of_two(shop: Shop) -> None:
    _draft(shop, customer=shop.alice, visitor="one")
