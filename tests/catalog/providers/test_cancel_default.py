"""A cancel is offered where the provider's list says so, unless the owner or the provider switched it off."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from catalog.models import Provider
from catalog.providers import health
from core.clock import database_now
from core.staff_actions import record_staff_action
from tests.actors import owner_named
from tests.pages.cast import SERVICES, provider_of, stock

pytestmark = pytest.mark.django_db


def test_a_new_provider_offers_what_its_list_allows(client: Client) -> None:
    allowed = [service.pk for service, row in zip(stock(), SERVICES, strict=True) if "cancel" in row[-1]]
    assert allowed
    assert [service.pk for service in client.get("/?cancel=1").context["listing"].rows] == allowed


def test_the_upgrade_keeps_what_somebody_or_the_provider_decided() -> None:
    untouched, chosen, unknown = (provider_of(name) for name in ("Untouched", "Chosen", "Unknown"))
    health.capability_off(unknown.pk, "can_cancel", now=database_now())
    Provider.objects.update(can_cancel=False)
    record_staff_action(
        owner_named("owner"), "provider.change", chosen, before={"can_cancel": True}, after={"can_cancel": False}
    )
    record_staff_action(owner_named("owner"), "provider.change", untouched, after={"name": "Untouched"})
    with connection.schema_editor() as editor:
        import_module("catalog.migrations.0016_cancel_by_default").switch_on(apps, editor)
    assert list(Provider.objects.filter(can_cancel=True)) == [untouched]
