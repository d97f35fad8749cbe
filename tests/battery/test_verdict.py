"""Passed is only what was measured whole: each way in which a run can be worth nothing makes it unknown."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.battery import verdict
from tests.battery.kinds import kinds_of, needed_faults, needed_rules, rules_of
from tests.battery.verdict import FAILED, PASSED, UNKNOWN

FAULTS = {"h500", "late_place"}
RULES = {"place"}


def audit() -> dict[str, Any]:
    names = ("wallet_balances", "provider_books", "order_costs_have_their_row", "holds")
    return {"ok": True, "checks": [{"name": name, "broken": 0} for name in names]}


def part(**more: Any) -> dict[str, Any]:
    sound = {"finished": True, "unexpected_ends": [], "left_over": [], "sockets": [], "steps": 4, "checks": 4}
    judged = {"broken": [], "audit": audit(), "reconciled": True, "truth": {"doubled": 0, "wrong_verdicts": 0}}
    return {**sound, **judged, **more}


def good() -> dict[str, Any]:
    doubts = {"all": 60, "share": 98.4, "p95_seconds": 13.2}
    strikes = [{"kind": "kill", "seen_after": 0.4}, {"kind": "kill", "seen_after": 2.0}]
    fire = part(
        faulted_sends=600,
        planned={"kill_sender": 2, "flush": 1},
        trouble={"strikes": strikes, "flush_seconds": [0.9], "done": {"kill_sender": 2, "flush": 1}},
        sends={"not_sent_but_read": 0},
        mails={"rows": 200, "lost_or_wrong": 0},
        jobs={"jobs": 60, "orders": 500, "done": 200, "wrong": []},
    )
    final = {"orders": {"link": ["placed", "completed", "1", "1", "0"]}, "wallets": {"a": "99"}}
    return {
        "seed": 1,
        "versions": {"python": "3.13"},
        "seconds": {"all": 500.0},
        "sizes": {"faulted_sends": 600, "not_sent_verdicts": 1000},
        "stages": [
            {
                "name": "tests",
                "status": 0,
                "seconds": 200.0,
                "budget": 240,
                "tests": {"run": 900, "failures": 0, "errors": 0, "skipped": 0},
            },
            {"name": "fire", "status": 0, "seconds": 100.0, "budget": 150},
        ],
        "parts": {
            "fire": fire,
            "calm": part(
                profiles={"default": doubts, "outage": {**doubts, "share": 90.0}},
                p95_limit=15.0,
            ),
            "late charges": part(profiles={"late charges": {**doubts}}, p95_limit=15.0),
            **{f"doorbells-{v}": part(final=copy.deepcopy(final)) for v in ("heard", "dropped", "tripled")},
            "restoring": part(
                waiting_in_the_dump=30, sent_while_frozen=0, payments={"topups": 20, "vouchers": 20, "wrong": []}
            ),
            "repeating": part(
                tests={"honoured": "proven", "honoured, text ids": "proven", "ignored": "twice"},
                profiles={
                    "honoured": {"all": 30, "closed_by_repeat": 2, "repeats": 3, "bought_twice": 0},
                    "honoured, text ids": {"all": 30, "closed_by_repeat": 20, "repeats": 25, "bought_twice": 0},
                    "ignored": {"all": 30, "closed_by_repeat": 0, "repeats": 0, "bought_twice": 0},
                },
            ),
        },
        "canaries": [{"number": n, "caught": True, "guard_refused": None} for n in range(1, verdict.CANARIES + 1)],
        "counts": {
            "faults": {"h500": 40, "late_place": 20},
            "rules": {"place": 200},
            "steps": 900,
            "checks": 900,
            "figures": {"bracket_wrong": 0, "bracket_doubts": 4000, "not_sent_verdicts": 1000, "not_sent_but_read": 0},
        },
    }


def repeated(report: dict[str, Any], how: str) -> dict[str, Any]:
    profile: dict[str, Any] = report["parts"]["repeating"]["profiles"][how]
    return profile


def judged(report: dict[str, Any]) -> str:
    return verdict.overall(verdict.judge(report, needed_faults=FAULTS, needed_rules=RULES))


def test_a_whole_and_clean_run_passes() -> None:
    assert judged(good()) == PASSED


def test_nothing_measured_is_unknown() -> None:
    assert judged({}) == UNKNOWN
    assert verdict.overall([]) == UNKNOWN


def test_no_need_named_is_unknown() -> None:
    figures = verdict.judge(good(), needed_faults=set(), needed_rules=RULES)
    assert verdict.overall(figures) == UNKNOWN


FAILING: dict[str, Callable[[dict[str, Any]], object]] = {
    "a doubled order": lambda r: r["parts"]["fire"]["truth"].update(doubled=1),
    "a doubled order in another part": lambda r: r["parts"]["restoring"]["truth"].update(doubled=1),
    "a wrong verdict": lambda r: r["parts"]["calm"]["truth"].update(wrong_verdicts=1),
    "a lost order": lambda r: r["parts"]["fire"].update(broken=["N1 is broken (each acknowledged order is there)"]),
    "a cent": lambda r: r["parts"]["fire"]["audit"]["checks"][-1].update(broken=1),
    "a wallet below zero": lambda r: r["parts"]["fire"].update(broken=["I2 is broken (no wallet is below 0)"]),
    "a difference without a row": lambda r: r["parts"]["fire"]["audit"]["checks"][1].update(broken=1),
    "a broken rule": lambda r: r["parts"]["calm"].update(broken=["F7 is broken (the cost in doubt)"]),
    "too few doubts closed": lambda r: r["parts"]["calm"]["profiles"]["default"].update(share=96.9),
    "too few where charges are named late": lambda r: r["parts"]["late charges"]["profiles"]["late charges"].update(
        share=89.9
    ),
    "too few in an outage": lambda r: r["parts"]["calm"]["profiles"]["outage"].update(share=83.9),
    "slow verdicts": lambda r: r["parts"]["calm"]["profiles"]["default"].update(p95_seconds=15.1),
    "a sender never missed": lambda r: r["parts"]["fire"]["trouble"]["strikes"][0].update(seen_after=None),
    "a backlog that stands still": lambda r: r["parts"]["fire"]["trouble"].update(flush_seconds=[61.0]),
    "another end without doorbells": lambda r: r["parts"]["doorbells-dropped"]["final"]["wallets"].update(a="98"),
    "an order refilled twice by a job": lambda r: r["parts"]["fire"]["jobs"].update(wrong=["order 1"]),
    "an order sent while frozen": lambda r: r["parts"]["restoring"].update(sent_while_frozen=1),
    "a payment credited twice": lambda r: r["parts"]["restoring"]["payments"].update(wrong=["topup 1: 2 times"]),
    "no doubt closed by a repeat": lambda r: repeated(r, "honoured, text ids").update(closed_by_repeat=0),
    "an order bought twice by a repeat": lambda r: repeated(r, "honoured").update(bought_twice=1),
    "a repeat without a proof": lambda r: repeated(r, "ignored").update(repeats=1),
    "a key proven where it is ignored": lambda r: r["parts"]["repeating"]["tests"].update(ignored="proven"),
    "a canary that lives": lambda r: r["canaries"][3].update(caught=False),
    "a guard that let it in": lambda r: r["canaries"][3].update(guard_refused=False),
    "a wrong proof of not sent": lambda r: r["counts"]["figures"].update(not_sent_but_read=1),
    "a red test": lambda r: r["stages"][0]["tests"].update(failures=1),
}

DOUBTFUL: dict[str, Callable[[dict[str, Any]], object]] = {
    "no seed": lambda r: r.pop("seed"),
    "no versions": lambda r: r.pop("versions"),
    "no counts": lambda r: r.pop("counts"),
    "no durations": lambda r: r.pop("seconds"),
    "no stages": lambda r: r.pop("stages"),
    "a stage that ended badly": lambda r: r["stages"][1].update(status=124),
    "a stage far above its budget": lambda r: r["stages"][1].update(seconds=301.0),
    "a skipped test": lambda r: r["stages"][0]["tests"].update(skipped=1),
    "a test that was not collected": lambda r: r["stages"][0]["tests"].update(errors=1),
    "no test at all": lambda r: r["stages"][0]["tests"].update(run=0),
    "a part that did not reach its end": lambda r: r["parts"]["fire"].update(finished=False),
    "a part that never ran": lambda r: r["parts"].pop("restoring"),
    "a process that died": lambda r: r["parts"]["fire"].update(unexpected_ends=["web ended with 1"]),
    "a process left over": lambda r: r["parts"]["fire"].update(left_over=["beat-0 (12)"]),
    "sockets that do not add up": lambda r: r["parts"]["fire"].update(sockets=["provider 0: 9 connections"]),
    "a judgement missed in a part": lambda r: r["parts"]["fire"].update(checks=3),
    "a judgement missed in the model": lambda r: r["counts"].update(checks=899),
    "an account never quiet": lambda r: r["parts"]["calm"].update(reconciled=False),
    "an audit that did not run": lambda r: r["parts"]["calm"].update(audit={"ok": False}),
    "a fault too seldom": lambda r: r["counts"]["faults"].update(h500=19),
    "a fault never met": lambda r: r["counts"]["faults"].pop("late_place"),
    "a rule never run": lambda r: r["counts"]["rules"].clear(),
    "too few faulted sends": lambda r: r["parts"]["fire"].update(faulted_sends=599),
    "too few doubts to tell": lambda r: r["parts"]["calm"]["profiles"]["outage"].update(all=19),
    "an incident that never came": lambda r: r["parts"]["fire"]["trouble"]["done"].pop("flush"),
    "too few kills": lambda r: r["parts"]["fire"]["trouble"]["strikes"].pop(),
    "a flush without a backlog": lambda r: r["parts"]["fire"]["trouble"].update(flush_seconds=[]),
    "other orders without doorbells": lambda r: r["parts"]["doorbells-dropped"]["final"]["orders"].clear(),
    "too few doubts to repeat": lambda r: repeated(r, "ignored").update(all=5),
    "an empty dump": lambda r: r["parts"]["restoring"].update(waiting_in_the_dump=0),
    "few jobs": lambda r: r["parts"]["fire"]["jobs"].update(done=19),
    "few vouchers": lambda r: r["parts"]["restoring"]["payments"].update(vouchers=19),
    "a canary that did not run": lambda r: r["canaries"].pop(),
    "a canary reported twice": lambda r: r["canaries"][0].update(number=2),
    "too few proofs of not sent": lambda r: r["counts"]["figures"].update(not_sent_verdicts=999),
    "no bracket machine": lambda r: r["counts"]["figures"].pop("bracket_doubts"),
}


@pytest.mark.parametrize("what", FAILING)
def test_what_makes_a_run_fail(what: str) -> None:
    report = good()
    FAILING[what](report)
    assert judged(report) == FAILED


@pytest.mark.parametrize("what", DOUBTFUL)
def test_what_makes_a_run_unknown(what: str) -> None:
    report = good()
    DOUBTFUL[what](report)
    assert judged(report) == UNKNOWN


def test_a_failure_is_not_hidden_by_a_doubt() -> None:
    report = good()
    report["parts"]["fire"]["truth"]["doubled"] = 1
    report["counts"]["faults"].clear()
    assert judged(report) == FAILED


def test_a_label_counts_for_its_kind() -> None:
    labels = {"h504_np": 2, "h504": 1, "late_place:30": 4, "dup_keys": 1}
    assert kinds_of(labels) == {"dup_keys": 1, "h504": 3, "late_place": 4}
    assert set(kinds_of(dict.fromkeys(needed_faults(), 1))) == needed_faults()


def test_the_machine_names_its_rules() -> None:
    assert {"place", "send", "crash_at", "top_up", "refill", "owner_decides", "pause_at"} <= needed_rules()
    assert rules_of({"top_up once": 1, "top_up twice": 2, "refill of nothing": 9, "pause_at, a sweep": 1}) == {
        "top_up": 3,
        "pause_at": 1,
    }
