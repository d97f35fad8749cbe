import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Provider, Service
from catalog.providers.connection import client_for
from core.secrets import unseal
from tests.catalog.panel import KEY, Panel, row

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_provider_is_added_and_the_same_name_updates_it(panel: Panel) -> None:
    first = json.loads(run("add_provider", "Gulf", "--url", panel.url, "--key", KEY, "--json"))
    assert (first["created"], first["currency"], Decimal(first["markup_percent"])) == (True, "USD", 30)

    output = run(
        "add_provider", "Gulf", "--url", panel.url, "--key", "another-key", "--markup", "12.5", "--currency", "eur"
    )
    assert output == "Provider Gulf already existed; its settings were updated.\n"
    provider = Provider.objects.get()
    assert (provider.currency, provider.markup_percent, unseal(provider.sealed_key)) == (
        "EUR",
        Decimal("12.5"),
        "another-key",
    )


def test_omitted_options_keep_their_values(panel: Panel) -> None:
    run("add_provider", "Gulf", "--url", panel.url, "--key", KEY, "--markup", "50", "--exchange-rate", "0.013")
    run("add_provider", "Gulf", "--url", panel.url, "--key", KEY)
    provider = Provider.objects.get()
    assert (provider.markup_percent, provider.exchange_rate) == (50, Decimal("0.013"))


def test_a_new_markup_reprices_what_is_sold(panel: Panel) -> None:
    panel.lists([row(1, rate="1")])
    run("add_provider", "Gulf", "--url", panel.url, "--key", KEY)
    run("sync_catalog")
    run("add_provider", "Gulf", "--url", panel.url, "--key", KEY, "--markup", "100")
    assert Service.objects.get().price == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"--url": "ftp://127.0.0.1/"},
        {"--url": "nonsense"},
        {"--markup": "-1"},
        {"--markup": "NaN"},
        {"--markup": "much"},
        {"--exchange-rate": "0"},
        {"--key": " "},
    ],
    ids=str,
)
def test_invalid_options_are_refused_in_one_line_without_the_key(wrong: dict[str, str], panel: Panel) -> None:
    words = {"--url": panel.url, "--key": KEY} | wrong
    with pytest.raises(CommandError) as refusal:
        run("add_provider", "Gulf", *[part for pair in words.items() for part in pair])
    assert "\n" not in str(refusal.value)
    assert KEY not in str(refusal.value)
    assert not Provider.objects.exists()


def test_a_private_address_is_refused_unless_allowed(settings: Any) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = False
    with pytest.raises(CommandError):
        run("add_provider", "Gulf", "--url", "http://127.0.0.1:9/api/v2", "--key", KEY)


def test_all_active_providers_are_synced(panel: Panel) -> None:
    panel.lists([row(1), row(2)])
    for name in ("One", "Two", "Off"):
        run("add_provider", name, "--url", panel.url, "--key", KEY)
    Provider.objects.filter(name="Off").update(is_active=False)

    facts = json.loads(run("sync_catalog", "--json"))

    assert [(f["provider"], f["state"], f["added"]) for f in facts] == [("One", "applied", 2), ("Two", "applied", 2)]
    assert run("sync_catalog", "One") == (
        "One: unchanged; 2 rows, 0 new, 0 changed, 0 gone, 0 back, 0 quarantined, 0 skipped\n"
    )


def test_a_failed_sync_fails_the_command_after_the_others_were_synced(panel: Panel) -> None:
    panel.lists([row(1)])
    run("add_provider", "Bad", "--url", panel.url.replace("/v2", "/v2"), "--key", KEY)
    run("add_provider", "Good", "--url", panel.url, "--key", KEY)
    Provider.objects.filter(name="Bad").update(url="http://127.0.0.1:1/api/v2")
    with pytest.raises(CommandError, match="^Bad: failed: "):
        run("sync_catalog")
    assert Service.objects.get().source.provider.name == "Good"


def test_a_refused_sync_fails_the_command_and_force_applies_it(panel: Panel) -> None:
    panel.lists(row(n) for n in range(50))
    run("add_provider", "Gulf", "--url", panel.url, "--key", KEY)
    run("sync_catalog")
    panel.lists([row(1)])
    with pytest.raises(CommandError, match="^Gulf: refused: "):
        run("sync_catalog", "Gulf")
    assert json.loads(run("sync_catalog", "Gulf", "--force", "--json"))[0]["vanished"] == 48


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(CommandError, match="no provider named 'Nobody'"):
        run("sync_catalog", "Nobody")


def test_the_key_reaches_the_provider_and_appears_nowhere_else(panel: Panel) -> None:
    run("add_provider", "Gulf", "--url", panel.url, "--key", KEY)
    provider = Provider.objects.get()
    client = client_for(provider, deadline=5)
    assert KEY not in repr(provider) + repr(vars(provider)) + repr(client)
