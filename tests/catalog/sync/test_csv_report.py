"""The owner downloads everything a sync changed, or would have changed."""

import csv

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import SyncDiff, SyncRun
from catalog.models.provider import SyncState
from catalog.sync import csv_report
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.sign_in import sign_in_staff


@pytest.fixture
def owner(db: None) -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def downloaded(owner: Client, run: SyncRun) -> list[list[str]]:
    answer = owner.get(reverse("admin:catalog_syncrun_csv", args=[run.pk]))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    first, *lines = csv.reader(answer.getvalue().decode().splitlines())
    assert first == ["id", "field", "before", "after"]
    return lines


def test_the_file_holds_every_change(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists(row(n) for n in range(1, 402))
    first = sync()
    panel.lists([*(row(n, rate="1", min="60") for n in range(1, 401)), row(500, rate="0")])
    second = sync()

    assert [line[:2] for line in downloaded(owner, first)] == [[str(n), "new"] for n in range(1, 402)]
    lines = downloaded(owner, second)
    assert lines[:2] == [["1", "rate", "0.9", "1"], ["1", "min", "50", "60"]]
    assert len(lines) == 2 * 400 + 3
    assert lines[-3:] == [
        ["500", "new", "", "Followers 500"],
        ["500", "quarantine", "", "rate_zero: the rate is 0"],
        ["401", "gone", "401", ""],
    ]
    page = owner.get(reverse("admin:catalog_syncrun_change", args=[second.pk])).content.decode()
    assert "803 lines as CSV" in page


def test_the_file_of_a_refused_list_names_the_missing_services(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists(row(n) for n in range(1, 41))
    sync()
    panel.lists([row(1)])
    run = sync()
    assert run.state == SyncState.REFUSED
    assert [line[1] for line in downloaded(owner, run)] == ["gone"] * 39


def test_an_unchanged_list_stores_no_file(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    run = sync()
    assert SyncDiff.objects.count() == 1
    assert owner.get(reverse("admin:catalog_syncrun_csv", args=[run.pk])).status_code == 404
    assert b"lines as CSV" not in owner.get(reverse("admin:catalog_syncrun_change", args=[run.pk])).content


def test_only_the_newest_files_are_kept_and_each_is_bounded(
    owner: Client, panel: Panel, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_report, "MOST_LINES", 2)
    runs = []
    for n in range(1, csv_report.KEPT + 3):
        panel.lists([row(1, rate=str(n), name=f"n{n}", max=str(1000 + n))])
        runs.append(sync())
    assert list(SyncDiff.objects.order_by("pk").values_list("run", flat=True)) == [
        run.pk for run in runs[-csv_report.KEPT :]
    ]
    assert downloaded(owner, runs[-1])[1:] == [["1", "rate", "6", "7"], ["", "left out", "", "1"]]


def test_provider_text_cannot_be_a_formula(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, name="=1+1")])
    assert downloaded(owner, sync()) == [["1", "new", "", "'=1+1"]]


def test_only_staff_download_the_file(client: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1)])
    run = sync()
    sign_in_staff(User.objects.create_user("clerk@example.com", "correct horse battery", is_staff=True), client)
    assert client.get(reverse("admin:catalog_syncrun_csv", args=[run.pk])).status_code == 403
