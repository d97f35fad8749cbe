"""Counts of several processes add up, and nothing is written where nobody asked."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.battery import counts


def test_counts_add_up_over_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "counts.json"
    monkeypatch.setenv("BATTERY_COUNTS", str(path))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: counts.add({"h500": 2}, checks=1, steps=1, figures={"wrong": 0}), range(20)))
    counts.add({"r307": 1}, rules={"place": 3})
    assert json.loads(path.read_text()) == {
        "faults": {"h500": 40, "r307": 1},
        "rules": {"place": 3},
        "checks": 20,
        "steps": 20,
        "figures": {"wrong": 0},
    }


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATTERY_COUNTS", raising=False)
    monkeypatch.chdir(tmp_path)
    counts.add({"h500": 1})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("length", "number"), [("", 1), ("gate", 2), ("long", 3)])
def test_the_length_of_a_run(length: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATTERY", length)
    assert counts.sized(1, 2, 3) == number
