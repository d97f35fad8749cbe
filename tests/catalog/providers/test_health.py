"""Parking, probing and the timetable of a provider."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock

import pytest
from django.db import InterfaceError, OperationalError

from catalog.models import AnswerCount, Provider, Service, SyncRun
from catalog.models.provider import SyncState
from catalog.providers import answer_counts, checks, health
from catalog.providers.account import read_balance
from catalog.providers.answer_counts import error_rates
from catalog.sync.scheduled import sync_due, sync_is_due
from core.clock import database_now
from notices.models import Alert
from tests.catalog.panel import KEY, Panel, row


@pytest.fixture
def parked(provider: Provider) -> Provider:
    health.park(provider.pk, reason="outage", now=database_now() - timedelta(hours=1))
    return fresh(provider)


def fresh(provider: Provider) -> Provider:
    return Provider.objects.get(pk=provider.pk)


def test_three_outages_in_a_row_park_and_an_answer_resets_the_count(provider: Provider) -> None:
    now = database_now()
    for _ in range(2):
        health.note_outage(provider.pk, now=now)
    health.note_answer(provider.pk, now=now)
    for _ in range(2):
        health.note_outage(provider.pk, now=now)
    assert fresh(provider).is_sending
    health.note_outage(provider.pk, now=now)
    assert (fresh(provider).parked_reason, fresh(provider).is_sending) == ("outage", False)
    assert Alert.objects.get().title == "Gulf is parked: it does not answer"


def test_parking_twice_keeps_the_first_reason_and_one_alert(provider: Provider) -> None:
    now = database_now()
    assert health.park(provider.pk, reason="invalid_key", now=now)
    assert not health.park(provider.pk, reason="outage", now=now)
    assert fresh(provider).parked_reason == "invalid_key"
    assert Alert.objects.get().times == 1


def test_a_parked_provider_is_probed_and_unparked_by_an_answer(panel: Panel, parked: Provider) -> None:
    assert checks.probe_parked(now=database_now()) == 1
    assert fresh(parked).is_sending
    assert (panel.asked["balance"], panel.asked["services"]) == (1, 0)
    assert Alert.objects.get().closed_at is not None
    assert checks.probe_parked(now=database_now()) == 0


def test_failed_probes_become_less_frequent(panel: Panel, parked: Provider) -> None:
    panel.says("balance", b"<html>down</html>", status=503)
    waits = []
    for _ in range(7):
        now = database_now()
        Provider.objects.update(next_probe_at=now)
        assert checks.probe_parked(now=now) == 1
        assert checks.probe_parked(now=now) == 0
        next_probe = fresh(parked).next_probe_at
        assert next_probe is not None
        waits.append(round((next_probe - now).total_seconds()))
    assert waits == [60, 120, 240, 480, 600, 600, 600]


def test_an_empty_account_is_unparked_by_money_and_not_by_an_answer(panel: Panel, provider: Provider) -> None:
    panel.says("balance", {"balance": "0.2", "currency": "USD"})
    read_balance(provider, now=database_now())
    health.park(provider.pk, reason="not_enough_funds", now=database_now())
    read_balance(fresh(provider), now=database_now())
    assert not fresh(provider).is_sending

    panel.says("balance", {"balance": "50", "currency": "USD"})
    read_balance(fresh(provider), now=database_now())
    assert fresh(provider).is_sending


class TestMoneyThatCameBeforeTheFirstLook:
    """The balance that is known when an order is refused for want of money is as old as the last reading."""

    @pytest.fixture
    def refused(self, panel: Panel, provider: Provider) -> Provider:
        panel.says("balance", {"balance": "10", "currency": "USD"})
        read_balance(provider, now=database_now())
        health.park(provider.pk, reason="not_enough_funds", now=database_now(), short_of=Decimal("1.20"))
        return fresh(provider)

    @pytest.mark.parametrize(("balance", "is_enough"), [("1.19", False), ("1.2", True), ("7", True), ("12", True)])
    def test_enough_money_for_the_refused_order_unparks(
        self, panel: Panel, refused: Provider, balance: str, is_enough: bool
    ) -> None:
        panel.says("balance", {"balance": balance, "currency": "USD"})
        read_balance(refused, now=database_now())
        assert fresh(refused).is_sending is is_enough

    def test_an_unchanged_balance_does_not_unpark(self, refused: Provider) -> None:
        read_balance(refused, now=database_now())
        assert not fresh(refused).is_sending

    def test_after_the_first_reading_only_a_rise_unparks(self, panel: Panel, refused: Provider) -> None:
        for balance, is_sending in (("0.3", False), ("0.3", False), ("0.2", False), ("5", True)):
            panel.says("balance", {"balance": balance, "currency": "USD"})
            read_balance(fresh(refused), now=database_now())
            assert fresh(refused).is_sending is is_sending


def test_a_provider_parked_for_doubts_is_not_unparked_by_its_balance(provider: Provider) -> None:
    health.park(provider.pk, reason="in_doubt", now=database_now())
    read_balance(fresh(provider), now=database_now())
    assert not fresh(provider).is_sending
    assert health.unpark(provider.pk, now=database_now(), actor="owner@example.com")
    assert Alert.objects.get().closed_by == "owner@example.com"


def test_a_capability_is_switched_off_once(provider: Provider) -> None:
    for _ in range(2):
        health.capability_off(provider.pk, "can_refill", now=database_now())
    assert not fresh(provider).can_refill
    assert Alert.objects.get().times == 1


class TestConnection:
    def test_a_good_connection(self, panel: Panel, provider: Provider) -> None:
        panel.lists([row(1), row(2, rate="0")])
        report = checks.check_connection(provider, now=database_now())
        assert report.is_good
        assert (str(report.balance), report.currency, report.services, report.quarantined) == ("100.84292", "USD", 2, 1)
        assert not Service.objects.exists()

    def test_a_web_page_instead_of_the_api(self, panel: Panel, provider: Provider) -> None:
        for action in ("balance", "services"):
            panel.says(action, b"<html>Welcome</html>", content_type="text/html")
        report = checks.check_connection(provider, now=database_now())
        assert len(report.problems) == 2
        assert all("not JSON" in problem for problem in report.problems)

    def test_another_currency_than_the_settings(self, panel: Panel, provider: Provider) -> None:
        panel.says("balance", {"balance": "-1", "currency": "RUB"})
        panel.lists([row(1)])
        report = checks.check_connection(provider, now=database_now())
        assert report.problems == ["The account is in RUB, the settings say USD."]
        assert report.notes == ["There is no money in the account."]

    def test_an_echoed_key_stays_out_of_the_report(self, panel: Panel, provider: Provider) -> None:
        for action in ("balance", "services"):
            panel.says(action, {"error": f"Invalid API key {KEY}"})
        report = checks.check_connection(provider, now=database_now())
        assert report.problems
        assert KEY not in repr(report)

    def test_a_key_sealed_under_a_lost_secret(self, provider: Provider) -> None:
        Provider.objects.update(sealed_key="nonsense")
        report = checks.check_connection(fresh(provider), now=database_now())
        assert "the key that sealed it has changed" in report.problems[0]


class TestTimetable:
    def test_a_new_provider_is_due_at_once_and_then_by_the_timetable(self, panel: Panel, provider: Provider) -> None:
        panel.lists([row(1)])
        now = database_now()
        assert sync_is_due(now=now)
        assert sync_due(now=now) == 1
        assert sync_due(now=database_now()) == 0
        assert not sync_is_due(now=now + timedelta(hours=5))
        assert sync_is_due(now=now + timedelta(hours=7))
        assert panel.asked["services"] == 1

    def test_a_failing_provider_does_not_delay_the_next_one(self, panel: Panel, provider: Provider) -> None:
        panel.lists([row(1)])
        broken = Provider(name="Broken", url="http://127.0.0.1:1/api/v2")
        broken.set_key(KEY)
        broken.save()
        assert sync_due(now=database_now()) == 2
        assert Service.objects.count() == 1

    @pytest.mark.parametrize(("reason", "synced"), [("outage", 0), ("invalid_key", 0), ("not_enough_funds", 1)])
    def test_a_parked_provider_is_synced_only_where_its_list_can_be_read(
        self, reason: str, synced: int, panel: Panel, provider: Provider
    ) -> None:
        panel.lists([row(1)])
        health.park(provider.pk, reason=reason, now=database_now())
        assert sync_due(now=database_now()) == synced

    def test_an_inactive_provider_is_left_alone(self, panel: Panel, provider: Provider) -> None:
        Provider.objects.update(is_active=False)
        assert sync_due(now=database_now()) == 0
        assert not panel.asked

    def test_a_claim_whose_worker_died_is_due_again(self, panel: Panel, provider: Provider, monkeypatch: Any) -> None:
        monkeypatch.setattr("catalog.sync.scheduled.sync_provider", lambda *_, **__: 1 / 0)
        now = database_now()
        with pytest.raises(ZeroDivisionError):
            sync_due(now=now)
        assert not sync_is_due(now=now + timedelta(seconds=120))
        assert sync_is_due(now=now + timedelta(seconds=200))


def open_causes() -> set[str]:
    return {cause.rsplit(":", 1)[1] for cause in Alert.objects.filter(closed_at=None).values_list("cause", flat=True)}


def test_a_low_and_an_empty_balance_raise_alerts(panel: Panel, provider: Provider) -> None:
    Provider.objects.update(low_balance=50)
    open_alerts = []
    for balance in ("50.01", "50", "0", "3", "80"):
        panel.says("balance", {"balance": balance, "currency": "USD"})
        read_balance(provider, now=database_now())
        open_alerts.append(open_causes())
    assert open_alerts == [set(), {"low_balance"}, {"balance"}, {"low_balance"}, set()]


@pytest.fixture
def counted() -> None:
    answer_counts._tallies.clear()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>maintenance</html>", 200), (b'{"error": "x"}', 502), (b"", 200), (b"<html>wait</html>", 503)],
)
def test_answers_without_json_count_as_errors(
    panel: Panel, provider: Provider, counted: None, body: bytes, status: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(answer_counts, "_WRITE_SECONDS", 0)
    checks.check_connection(provider, now=database_now())
    assert error_rates([provider.pk], now=database_now()) == {provider.pk: (0, 2)}
    panel.says("balance", body, status=status)
    checks.check_connection(provider, now=database_now())
    assert error_rates([provider.pk], now=database_now()) == {provider.pk: (1, 4)}


def test_a_refusal_is_an_answer(panel: Panel, provider: Provider, counted: None) -> None:
    panel.says("balance", {"error": "Invalid API key"})
    checks.check_connection(provider, now=database_now())
    assert error_rates([provider.pk], now=database_now()) == {provider.pk: (0, 1)}


def test_an_unreachable_provider_counts_as_an_error(provider: Provider, counted: None) -> None:
    Provider.objects.update(url="http://127.0.0.1:9/api/v2")
    checks.check_connection(fresh(provider), now=database_now())
    assert error_rates([provider.pk], now=database_now()) == {provider.pk: (1, 1)}


def test_a_busy_process_writes_its_counts_now_and_then(
    panel: Panel, provider: Provider, counted: None, monkeypatch: Any
) -> None:
    for _ in range(3):
        checks.check_connection(provider, now=database_now())
    assert AnswerCount.objects.get().calls == 1
    monkeypatch.setattr(answer_counts, "_WRITE_SECONDS", 0)
    read_balance(provider, now=database_now())
    assert AnswerCount.objects.get().calls == 7


def test_old_counts_are_left_out_and_deleted_later(panel: Panel, provider: Provider, counted: None) -> None:
    now = database_now()
    for age in (timedelta(hours=25), timedelta(days=31)):
        AnswerCount.objects.create(provider=provider, hour=now - age, calls=9, failures=9)
    assert error_rates([provider.pk], now=now) == {}
    panel.lists([row(1)])
    sync_due(now=now)
    assert sorted(AnswerCount.objects.values_list("failures", flat=True)) == [0, 9]


def test_old_sync_runs_are_deleted_except_the_newest(panel: Panel, provider: Provider) -> None:
    now = database_now()
    other = Provider.objects.create(name="Quiet", url="http://127.0.0.1:9/", is_active=False)
    for age, whose in ((61, provider), (90, provider), (70, other), (80, other), (10, provider)):
        SyncRun.objects.create(provider=whose, state=SyncState.APPLIED, started_at=now - timedelta(days=age))
    panel.lists([row(1)])
    sync_due(now=now)
    assert SyncRun.objects.filter(provider=provider).count() == 2
    assert [(now - run.started_at).days for run in SyncRun.objects.filter(provider=other)] == [70]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_count_that_cannot_be_written_breaks_nothing(
    panel: Panel, provider: Provider, counted: None, monkeypatch: Any, error: type[Exception]
) -> None:
    broken = MagicMock()
    broken.cursor.side_effect = error("gone")
    monkeypatch.setattr(answer_counts, "connection", broken)
    assert checks.check_connection(provider, now=database_now()).balance is not None
    assert broken.cursor.called
