"""The command around the verdict: what its stages leave behind is counted, and a part of it never passes."""

import json
from pathlib import Path

import pytest

from tests.battery import gate, verdict


def test_a_stage_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    sizes = gate.Sizes("gate", 1, 1, 1, 1, 1, 1, 1, budgets={"fire": 0})
    run = gate.Run(sizes, 1, tmp_path)
    assert run.stage("fire", ["http.server", "0"])["status"] == 124
    assert run.report["stages"][0]["status"] == 124


def test_pytest_tells_what_it_ran(tmp_path: Path) -> None:
    junit = tmp_path / "tests.xml"
    junit.write_text(
        '<testsuites><testsuite tests="7" failures="1" errors="0" skipped="2"/>'
        '<testsuite tests="1" failures="0" errors="1" skipped="0"/></testsuites>'
    )
    assert gate._counted(junit) == {"run": 8, "failures": 1, "errors": 1, "skipped": 2}
    assert gate._counted(tmp_path / "absent.xml")["run"] == 0


def test_a_part_of_the_gate_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fire.json").write_text(json.dumps({"finished": True, "fault_counts": {"h500_np": 3}, "steps": 2}))
    run = gate.Run(gate.GATE, 1, tmp_path)
    monkeypatch.setattr(
        run, "stage", lambda *_words, **_more: run.report["stages"].append({"name": "fire", "status": 0})
    )
    gate.fire(run)
    report = tmp_path / "build" / "gate.json"
    assert gate.finish(run, report) == verdict.UNKNOWN
    written = json.loads(report.read_text())
    assert written["verdict"] == verdict.UNKNOWN
    assert written["counts"]["faults"] == {"h500": 3}
    assert written["counts"]["steps"] == 2
    assert "UNKNOWN" in capsys.readouterr().out
