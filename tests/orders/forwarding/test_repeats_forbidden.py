"""When no request is repeated: without a proof, too late, frozen, restored, parked, or with other settings."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from catalog.models import Provider
from catalog.providers import repeatable
from core.clock import database_now
from orders import freezing
from orders.forwarding import dispatch, repeats
from orders.models import ForwardAttempt, RepeatAttempt, ThawScan
from orders.states import Outcome
from orders.thawing import thaw
from tests.orders.cast import Shop
from tests.orders.doubts import (
    LOST_BUT_PLACED,
    ages,
    attempt_of,
    buys_and_sends,
)
from tests.orders.repeating import OWNER, bought, knows_the_field, loses, proven, repeats_it, repeats_of
from tests.roles import unguarded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing", "unhurried")]


def test_without_a_proof_nothing_is_repeated(shop: Shop, alice: User) -> None:
    knows_the_field(shop, "ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    for _look in range(6):
        repeats_it(shop)
        ages(shop, 60)
    assert bought(shop, order) == 1, "F1 is broken: a request was repeated against the rules, and bought twice"
    assert repeats_of(order) == []


def test_an_order_from_before_the_proof_is_not_repeated(shop: Shop, alice: User) -> None:
    knows_the_field(shop, "ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    digest = repeatable.settings_digest(shop.provider)
    assert repeatable.note_proven(shop.provider.pk, digest, actor="owner", now=database_now())
    assert repeats_it(shop) == 0
    assert bought(shop, order) == 1


def test_after_ten_minutes_nothing_is_repeated(shop: Shop, alice: User) -> None:
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    ages(shop, 600)
    repeats_it(shop)
    assert bought(shop, order) == 1, "F1 is broken: a request was repeated against the rules, and bought twice"
    assert repeats_of(order) == []


def test_a_repeat_that_was_claimed_in_time_does_not_leave_late(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    honest = repeats.send

    def waits_first(repeat: RepeatAttempt, lane: Any) -> None:
        with unguarded():
            ForwardAttempt.objects.update(sent_at=database_now() - timedelta(seconds=601))
        honest(repeat, lane)

    monkeypatch.setattr(repeats, "send", waits_first)
    repeats_it(shop)
    assert repeats_of(order) == [(Outcome.RELEASED, None)]
    assert bought(shop, order) == 1


def test_nothing_is_repeated_while_frozen_or_after_a_thaw(shop: Shop, alice: User) -> None:
    freezing.check(now=database_now())
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    freezing.freeze(why="by hand", now=database_now())
    assert repeats_it(shop) == 0, "F1 is broken: a request was repeated against the rules, while the shop was frozen"
    freezing.unfreeze(now=database_now(), actor=OWNER, reason="looked at it")
    repeats_it(shop)
    assert bought(shop, order) == 1, "F1 is broken: a request was repeated against the rules, and bought twice"
    assert repeats_of(order) == []


def test_what_came_back_with_a_dump_is_not_repeated(shop: Shop, alice: User) -> None:
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    ForwardAttempt.objects.filter(order=order).update(evidence={"restored": True})
    assert repeats_it(shop) == 0
    assert bought(shop, order) == 1


def test_a_parked_provider_gets_no_repeat(shop: Shop, alice: User) -> None:
    proven(shop)
    loses(shop, alice, LOST_BUT_PLACED)
    Provider.objects.update(parked_at=database_now(), parked_reason="outage")
    assert repeats_it(shop) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://127.0.0.1:9/api/v2"},
        {"body_encoding": "json"},
        {"dialect": {"request_id_field": "ref"}},
        {"dialect": {"request_id_field": "request_id", "field_names": {"media": "media_url"}}},
        {"dialect": {}},
    ],
)
def test_changed_settings_take_the_proof_away(shop: Shop, alice: User, change: dict[str, Any]) -> None:
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    before = {name: getattr(shop.provider, name) for name in change}
    Provider.objects.update(**change)
    assert repeats_it(shop) == 0
    Provider.objects.update(**before)
    assert repeats_it(shop) == 0, "nor once they are changed back"
    assert Provider.objects.get().request_id_proof == ""
    assert bought(shop, order) == 1


def test_another_key_takes_the_proof_away(shop: Shop, alice: User) -> None:
    proven(shop)
    loses(shop, alice, LOST_BUT_PLACED)
    shop.provider.set_key("another key")
    shop.provider.save(update_fields=["sealed_key"])
    assert repeats_it(shop) == 0


def test_words_of_its_answers_leave_the_proof(shop: Shop) -> None:
    proven(shop)
    Provider.objects.update(dialect={"request_id_field": "request_id", "error_map": {"pas de fonds": "bad_link"}})
    assert not repeatable.forget_other_proof(shop.provider.pk)
    shop.provider.refresh_from_db()
    assert repeatable.is_proven(shop.provider)


def test_a_shorter_or_longer_window_takes_the_proof_away(shop: Shop, alice: User, settings: Any) -> None:
    proven(shop)
    settings.DOUBT_SETTLE_SECONDS = 120
    loses(shop, alice, LOST_BUT_PLACED)
    assert repeats_it(shop) == 0
    assert not repeatable.is_proven(Provider.objects.get(pk=shop.provider.pk))


def test_a_thaw_after_a_restore_takes_all_proofs_away(shop: Shop) -> None:
    proven(shop)
    freezing.freeze(why="it came back from a dump", now=database_now(), is_restored=True)
    for provider in Provider.objects.all():
        ThawScan.objects.create(provider=provider, at=database_now(), actor="owner", reason="looked", is_complete=True)
    thaw.thaw(actor=OWNER, reason="looked", now=database_now())
    assert not Provider.objects.exclude(request_id_proof="").exists()


def test_a_provider_without_the_field_is_sent_no_key(shop: Shop, alice: User) -> None:
    order = buys_and_sends(shop, alice)
    assert "request_id" not in shop.accepted()[-1]["fields"]
    assert attempt_of(order).request_digest == ""
    assert dispatch.forward_due(seconds=1) == 0
