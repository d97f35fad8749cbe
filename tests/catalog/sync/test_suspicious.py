"""Lists nobody should trust, each after an honest one: what is sold of them, why the rest is not, never at a loss."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from catalog.models import Category, Provider, ProviderService, Service
from catalog.models.provider import SyncState
from catalog.pricing import cost_for
from core.refusals import Refusal
from orders.checkout.placement import quote
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.catalog.rows import on_sale
from upstream.service_types import service_type

HONEST = [row(n, rate=f"{n}.5") for n in range(1, 21)]
EVERYBODY = {str(n) for n in range(1, 21)}


@dataclass
class Suspicious:
    """``rows`` replaces those of the same id in the honest list, or is the whole ``body``.

    ``held`` maps the ids in quarantine to the first reason; ``gone`` are no longer listed, ``more`` are new on sale.
    """

    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    body: Any = None
    held: dict[str, str] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    more: frozenset[str] = frozenset()
    state: SyncState = SyncState.APPLIED

    def listed(self) -> Any:
        if self.body is not None:
            return self.body
        changed = {str(r["service"]): r for r in self.rows}
        return [changed.pop(str(r["service"]), r) for r in HONEST] + list(changed.values())


def every(reason: str) -> dict[str, str]:
    return dict.fromkeys(EVERYBODY, reason)


def without(rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in r.items() if k != key} for r in rows]


LISTS = [
    Suspicious("the point slipped two places down", [row(1, rate="0.015")], held={"1": "rate_jump"}),
    Suspicious("a rate eleven times as high", [row(1, rate="16.6")], held={"1": "rate_jump"}),
    Suspicious(
        "another currency, unannounced", [row(n, rate=f"{n}0000") for n in range(1, 21)], held=every("rate_jump")
    ),
    Suspicious("everything for free", [row(n, rate="0.00") for n in range(1, 21)], held=every("rate_zero")),
    Suspicious("no rates at all", body=without(HONEST, "rate"), held=every("rate_missing")),
    Suspicious(
        "rates that are no numbers",
        [
            row(1, rate=True),
            row(2, rate=[1]),
            row(3, rate={"usd": "1"}),
            row(4, rate="\uff11.5"),
            row(5, rate="0x10"),
            row(6, rate="1_000"),
            row(7, rate="1.5 "),
            row(8, rate="--1"),
            row(9, rate=""),
            row(10, rate="infinity"),
        ],
        held=dict.fromkeys(("1", "2", "3", "4", "5", "6", "8", "9", "10"), "rate_unreadable"),
    ),  # fmt: skip
    Suspicious(
        "rates beyond any sense",
        [row(1, rate="1e400"), row(2, rate="9" * 40), row(3, rate="1e-19"), row(4, rate="0." + "0" * 30 + "1")],
        held=dict.fromkeys("1234", "rate_out_of_range"),
    ),
    Suspicious(
        "the smallest rate there is", [row(31, rate="0.000000000000000001", max="10000")], more=frozenset({"31"})
    ),
    Suspicious(
        "limits beyond any sense",
        [row(1, min="1e30"), row(2, max=10**15), row(3, min="-5"), row(4, min=0), row(5, max=None), row(6, min=[50])],
        held={
            "1": "min_out_of_range",
            "2": "max_out_of_range",
            "3": "min_below_one",
            "4": "min_below_one",
            "5": "max_unreadable",
            "6": "min_unreadable",
        },
    ),  # fmt: skip
    Suspicious(
        "a type nobody knows any more",
        [row(1, type="Special"), row(2, type="")],
        held={
            "1": "type_unknown",
            "2": "type_unknown",
        },
    ),  # fmt: skip
    Suspicious(
        "from thousands to packages overnight",
        [row(1, type="Package", rate="4", min="1", max="1")],
        held={"1": "other_product"},
    ),
    Suspicious(
        "names of nothing but marks",
        [row(1, name="\u202e\u2066\u200f\x00 "), row(2, name=None)],
        held={"1": "name_missing", "2": "name_missing"},
    ),  # fmt: skip
    Suspicious("one key in two spellings", body=[{**row(1), "Rate": "0.01"}, *HONEST[1:]], held={"1": "duplicate_key"}),
    Suspicious(
        "one id in three spellings",
        body=[*HONEST, row(20, service="0020", rate="0.01"), row(20, service=" 20 ")],
        held={"20": "conflicting_duplicates"},
    ),  # fmt: skip
    Suspicious("two services that changed places", [row(1, rate="2.5", name="b"), row(2, rate="1.5", name="a")]),
    Suspicious(
        "ids that are none",
        body=[row(1, service=True), row(2, service=2.0), row(3, service=-3), row(4, service="1e4"), *HONEST[4:]],
        gone=frozenset({"1", "2", "3", "4"}),
    ),
    Suspicious("more than half of it cut off", body=HONEST[:9], state=SyncState.REFUSED),
    Suspicious("two lists one after the other", body=b"[][]", state=SyncState.FAILED),
    Suspicious("a list in a text", body='[{"service": 1}]', state=SyncState.FAILED),
    Suspicious("UTF-16 that says nothing of it", body='[{"service":1}]'.encode("utf-16"), state=SyncState.FAILED),
    Suspicious("an error with an empty list", body={"error": "Try again", "services": []}, state=SyncState.FAILED),
]


@pytest.fixture
def honest(panel: Panel, sync: Sync) -> None:
    panel.lists(HONEST)
    sync()
    assert set(on_sale()) == EVERYBODY


@pytest.mark.parametrize("case", LISTS, ids=lambda case: case.name)
def test_a_suspicious_list_ends_in_its_documented_state(
    panel: Panel, sync: Sync, honest: None, case: Suspicious
) -> None:
    panel.says("services", case.listed())

    run = sync()

    assert run.state == case.state, run.problem
    held = {
        row.external_id: row.quarantine[0].partition(":")[0] for row in ProviderService.objects.exclude(quarantine=[])
    }
    assert held == case.held
    assert set(on_sale()) == (EVERYBODY | case.more) - case.held.keys() - case.gone
    assert run.quarantined == len(case.held)
    assert_nothing_sells_at_a_loss()
    # What is off sale has nothing an order could be placed for, and returns with the list as it was.
    if case.state == SyncState.APPLIED:
        panel.lists(HONEST)
        sync(force=True)
        assert set(on_sale()) >= EVERYBODY
        assert_nothing_sells_at_a_loss()


def assert_nothing_sells_at_a_loss() -> None:
    """Every order that can be quoted costs the customer at least what the provider will charge."""
    for service in Service.objects.select_related("source__provider"):
        source = service.source
        for quantity in {service.min, service.max, max(service.min, min(service.max, 1234))}:
            fields = {"link": "https://example.com/p/1", "quantity": str(quantity)}
            try:
                q = quote(service_id=service.pk, fields=fields)
            except Refusal:
                continue
            assert source.rate is not None
            kind = service_type(source.type)
            assert kind is not None
            cost = cost_for(source.rate, source.provider.exchange_rate, q.fields.total, kind.priced_by.value)
            assert q.charge >= cost
            assert q.charge > 0


def test_a_rate_that_creeps_up_reaches_the_price_each_time(panel: Panel, sync: Sync) -> None:
    for rate in ("1", "9", "80", "700"):
        panel.lists([row(1, rate=rate)])
        sync()
        assert on_sale()["1"].price == Decimal(rate) * Decimal("1.3")
        assert_nothing_sells_at_a_loss()


def test_a_list_that_shrinks_in_small_steps_switches_services_off_and_on(panel: Panel, sync: Sync) -> None:
    panel.lists(HONEST)
    sync()
    ids = {external_id: service.pk for external_id, service in on_sale().items()}
    for left in (17, 14, 12):
        panel.lists(HONEST[:left])
        assert sync().state == SyncState.APPLIED
        assert len(on_sale()) == left
    panel.lists(HONEST)
    sync()
    assert {external_id: service.pk for external_id, service in on_sale().items()} == ids


def test_a_huge_text_is_bounded_wherever_it_is_stored(panel: Panel, sync: Sync) -> None:
    bomb = "<b>" * 200_000
    panel.lists([row(1, name="n" * 300_000, category="c" * 300_000, desc=bomb, extra=bomb), row(2)])
    assert sync().state == SyncState.APPLIED
    source = ProviderService.objects.get(external_id="1")
    assert (len(source.name), len(source.category)) == (500, 200)
    assert len(source.description) < 50_000
    assert all(len(str(value)) <= 20_000 for value in source.raw.values())
    assert max(len(name) for name in Category.objects.values_list("name", flat=True)) == 200


def test_a_category_for_each_row_is_still_one_sync(
    panel: Panel, sync: Sync, django_assert_max_num_queries: Any
) -> None:
    panel.lists(row(n, category=f"Category {n}") for n in range(1, 1001))
    with django_assert_max_num_queries(60):
        sync()
    assert Category.objects.count() == 1000


def test_a_rise_between_two_syncs_is_refused_at_the_order_with_an_alert(
    panel: Panel, sync: Sync, provider: Provider
) -> None:
    panel.lists([row(1, rate="1")])
    sync()
    # Another writer than a sync, such as a repaired row or a restored copy, left the cost above the price.
    ProviderService.objects.update(rate=Decimal(5))
    assert_nothing_sells_at_a_loss()
    with pytest.raises(Refusal) as refusal:
        quote(service_id=Service.objects.get().pk, fields={"link": "https://example.com/p/1", "quantity": "1000"})
    assert refusal.value.code == "sale_below_cost"
