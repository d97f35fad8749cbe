import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.harness import Figure, take

ROOT = Path(__file__).resolve().parent.parent.parent


def test_both_sides_alternate_after_a_warm_up() -> None:
    runs: list[str] = []

    def side(name: str, took: float) -> float:
        runs.append(name)
        return took

    figure = take(Figure("f", "s"), lambda: side("ours", 3), lambda: side("floor", 2), repeats=2)
    assert runs == ["floor", "ours", "floor", "ours", "ours", "floor"]
    assert (figure.ours, figure.floor, figure.ratio) == ([3, 3], [2, 2], 1.5)


def test_the_median_counts_and_one_slow_run_does_not() -> None:
    figure = Figure("f", "s", ours=[1, 1, 90], floor=[0.5, 0.5, 0.5])
    assert figure.ratio == 2
    assert "ratio 2.00" in figure.as_line()
    assert figure.as_facts()["ours_runs"] == [1, 1, 90]


def test_a_skipped_figure_gives_its_reason_and_no_number() -> None:
    figure = Figure("f", "a second", skipped="there is no pgbench")
    assert figure.as_line() == "f: skipped, there is no pgbench"
    assert figure.as_facts() == {"name": "f", "unit": "a second", "skipped": "there is no pgbench"}


@pytest.mark.walk
def test_a_small_run_measures_the_real_operations(tmp_path: Path) -> None:
    sizes = ["--services", "50", "--seconds", "0.2", "--repeats", "1", "--orders", "120"]
    command = [sys.executable, "-m", "bench", "--only", "sync", "price", "place", *sizes, "--json"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["stage"]["fsync"] == "on"
    assert len(result["figures"]) == 2 + 7 + 1
    for figure in result["figures"]:
        assert figure.get("skipped") or (figure["ours"] > 0 and figure["floor"] > 0 and figure["ratio"] > 0)
    assert [json.loads(f.read_text()) for f in tmp_path.iterdir()] == [result]


@pytest.mark.walk
def test_a_small_run_compares_a_shop_before_and_after_it_grew(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--only", "growth", "--finished", "2000", "--named", "my orders"]
    done = subprocess.run(
        [*command, "--repeats", "1", "--json", "--results", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    assert {"filling up to 2,000 finished orders", "my orders, first page", "my orders, last page"} < figures.keys()
    assert {"my orders, of a platform", "my orders, preview of refills in bulk"} < figures.keys()
    for figure in figures.values():
        assert figure["orders"] == [2, 2000]
        assert figure["small"] > 0
        assert figure["large"] > 0
