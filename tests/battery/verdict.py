"""Passed, failed or unknown: the figures of one run of the battery, compared with its goals.

A figure that could not be measured is unknown, and so is a whole run that skipped something, ended early, or met a
fault too seldom for its silence to mean anything. Unknown is not passed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"
LEAST = 20
CANARIES = 31
Report = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """``shown`` and ``goal`` are for people; ``why`` says what is missing where the status is unknown."""

    name: str
    shown: str
    goal: str
    status: str
    why: str = ""


class Missing(Exception):
    """The report does not say; ``args[0]`` says what."""


def judge(report: Report, *, needed_faults: set[str], needed_rules: set[str]) -> list[Figure]:
    """Every figure of the run. ``needed_*`` are the kinds that must have come at least ``LEAST`` times."""
    figures = [_figure(name, goal, measure) for name, goal, measure in _GOALS]
    return [
        *(made(report) for made in figures),
        _often_enough("faults", needed_faults, report),
        _often_enough("rules", needed_rules, report),
        failed_tests(report),
        *_soundness(report),
    ]


def overall(figures: list[Figure]) -> str:
    """Failed if anything failed, else unknown if anything is, else passed; nothing measured is unknown."""
    found = {figure.status for figure in figures}
    if FAILED in found:
        return FAILED
    return PASSED if found == {PASSED} else UNKNOWN


Measure = Callable[[Report], tuple[object, bool]]


def _figure(name: str, goal: str, measure: Measure) -> Callable[[Report], Figure]:
    def made(report: Report) -> Figure:
        try:
            value, holds = measure(report)
        except Missing as missing:
            return Figure(name, "–", goal, UNKNOWN, str(missing))
        except (KeyError, TypeError, ValueError) as problem:
            return Figure(name, "–", goal, UNKNOWN, f"the report lacks {problem}")
        return Figure(name, str(value), goal, PASSED if holds else FAILED)

    return made


def _sum(report: Report, *path: str) -> int:
    """One number of every part of B that has it, added up; at least one part must."""
    found = [value for part in report["parts"].values() if (value := _at(part, path)) is not None]
    if not found:
        raise Missing(f"no part tells {'.'.join(path)}")
    return sum(found)


def _at(facts: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(facts, Mapping) or name not in facts:
            return None
        facts = facts[name]
    return facts


def _zero(*path: str) -> Measure:
    def measure(report: Report) -> tuple[object, bool]:
        count = _sum(report, *path)
        return count, count == 0

    return measure


def _broken(*invariants: str) -> Measure:
    """How many statements of the judge with one of these names did not hold, and equations of the shop's own audit."""

    def measure(report: Report) -> tuple[object, bool]:
        judged = [part for part in report["parts"].values() if "broken" in part]
        if not judged:
            raise Missing("no part was judged")
        found = [one for part in judged for one in part["broken"] if one.split(" ", 1)[0] in invariants]
        return len(found), not found

    return measure


def _audited(*names: str, invariants: tuple[str, ...]) -> Measure:
    by_judge = _broken(*invariants)

    def measure(report: Report) -> tuple[object, bool]:
        count = int(str(by_judge(report)[0]))
        for part in report["parts"].values():
            if "audit" not in part:
                continue
            if "checks" not in part["audit"]:
                raise Missing("an audit did not run")
            count += sum(c["broken"] for c in part["audit"]["checks"] if not names or c["name"] in names)
        return count, count == 0

    return measure


def _share(profile: str, least: float, part: str = "calm") -> Measure:
    def measure(report: Report) -> tuple[object, bool]:
        doubts = report["parts"][part]["profiles"][profile]
        if doubts["all"] < LEAST:
            raise Missing(f"only {doubts['all']} doubts")
        return f"{doubts['share']} % of {doubts['all']}", doubts["share"] >= least

    return measure


def _p95(report: Report) -> tuple[object, bool]:
    calm = report["parts"]["calm"]
    seconds = calm["profiles"]["default"]["p95_seconds"]
    return f"{seconds} s of {calm['p95_limit']:.0f}", seconds <= calm["p95_limit"]


def _killed_senders(report: Report) -> tuple[object, bool]:
    strikes = [s for s in report["parts"]["fire"]["trouble"]["strikes"] if s["kind"] == "kill"]
    if len(strikes) < report["parts"]["fire"]["planned"]["kill_sender"]:
        raise Missing(f"only {len(strikes)} senders were killed")
    if any(s["seen_after"] is None for s in strikes):
        return "never seen", False
    slowest = max(s["seen_after"] for s in strikes)
    return f"{slowest:.1f} s, {len(strikes)} kills", slowest <= 60


def _flushes(report: Report) -> tuple[object, bool]:
    seconds = report["parts"]["fire"]["trouble"]["flush_seconds"]
    if len(seconds) < report["parts"]["fire"]["planned"]["flush"]:
        raise Missing(f"only {len(seconds)} flushes met a backlog")
    return f"{max(seconds):.1f} s", max(seconds) <= 60


def _incidents(report: Report) -> tuple[object, bool]:
    fire = report["parts"]["fire"]
    done = fire["trouble"]["done"]
    if fewer := [f"{name} {done.get(name, 0)} of {n}" for name, n in fire["planned"].items() if done.get(name, 0) < n]:
        raise Missing(", ".join(fewer))
    return sum(done.values()), True


def _faulted_sends(report: Report) -> tuple[object, bool]:
    count = report["parts"]["fire"]["faulted_sends"]
    if count < report["sizes"]["faulted_sends"]:
        raise Missing(f"only {count} faulted sends")
    return count, True


def _same_money(report: Report) -> tuple[object, bool]:
    runs = [report["parts"][f"doorbells-{variant}"]["final"] for variant in ("heard", "dropped", "tripled")]
    orders = [set(run["orders"]) for run in runs]
    if not orders[0] or any(seen != orders[0] for seen in orders):
        raise Missing("the three runs did not see the same accepted orders")
    differing = sum(any(run["orders"][link] != runs[0]["orders"][link] for run in runs) for link in orders[0])
    differing += sum(run["wallets"] != runs[0]["wallets"] for run in runs)
    return f"{differing} of {len(orders[0])} orders differ", differing == 0


def _restored(report: Report) -> tuple[object, bool]:
    part = report["parts"]["restoring"]
    if not part["waiting_in_the_dump"]:
        raise Missing("nothing was queued in the dump")
    bad = part["sent_while_frozen"] + part["truth"]["doubled"]
    return f"{bad} of {part['waiting_in_the_dump']} waiting", bad == 0


def _paid(report: Report) -> tuple[object, bool]:
    """Top-ups and vouchers around a restore that were credited more or less than once, and what a frozen shop did."""
    payments = report["parts"]["restoring"]["payments"]
    tried = payments["topups"] + payments["vouchers"]
    if min(payments["topups"], payments["vouchers"]) < LEAST:
        raise Missing(f"only {payments['topups']} top-ups and {payments['vouchers']} vouchers")
    return f"{len(payments['wrong'])} of {tried}", not payments["wrong"]


#: What the owner's test order must say of each provider of the part.
_TESTED = {"honoured": "proven", "honoured, text ids": "proven", "ignored": "twice"}


def _repeated(report: Report) -> tuple[object, bool]:
    """Doubts that a repeat closed where the key is honoured; where it is ignored, nothing may be repeated.

    Where ids are no numbers no search closes a doubt, so there repeats have to.
    """
    part = report["parts"]["repeating"]
    profiles = [part["profiles"][how] for how in _TESTED]
    if min(profile["all"] for profile in profiles) < LEAST:
        raise Missing(f"only {', '.join(str(profile['all']) for profile in profiles)} doubts")
    numbered, text, ignored = profiles
    good = part["tests"] == _TESTED and text["closed_by_repeat"] > 0 and ignored["repeats"] == 0
    good = good and all(profile["bought_twice"] == 0 for profile in profiles)
    closed, doubts = (numbered[name] + text[name] for name in ("closed_by_repeat", "all"))
    return f"{closed} of {doubts}, {ignored['repeats']} where ignored", good


def _canaries(report: Report) -> tuple[object, bool]:
    canaries = report["canaries"]
    if len({c["number"] for c in canaries}) != CANARIES:
        raise Missing(f"{len(canaries)} canaries reported")
    caught = sum(c["caught"] and c.get("guard_refused") is not False for c in canaries)
    return f"{caught} of {CANARIES}", caught == CANARIES


def _bracket(report: Report) -> tuple[object, bool]:
    wrong, doubts = (report["counts"]["figures"].get(name) for name in ("bracket_wrong", "bracket_doubts"))
    if not doubts:
        raise Missing("the bracket machine counted nothing")
    return f"{wrong} of {doubts}", wrong == 0


def _wire(report: Report) -> tuple[object, bool]:
    figures = report["counts"]["figures"]
    verdicts = figures.get("not_sent_verdicts", 0)
    if verdicts < report["sizes"]["not_sent_verdicts"]:
        raise Missing(f"only {verdicts} NOT_SENT verdicts on the wire")
    read = figures["not_sent_but_read"] + _sum(report, "sends", "not_sent_but_read")
    return f"{read} of {verdicts}", read == 0


def _jobs(report: Report) -> tuple[object, bool]:
    """Orders that a job asked about more or less than once, of all orders that jobs were about."""
    jobs = report["parts"]["fire"]["jobs"]
    if jobs["jobs"] < LEAST or jobs["done"] < LEAST:
        raise Missing(f"only {jobs['jobs']} jobs, {jobs['done']} orders done")
    return f"{len(jobs['wrong'])} of {jobs['orders']}", not jobs["wrong"]


def _mails(report: Report) -> tuple[object, bool]:
    mails = report["parts"]["fire"]["mails"]
    if mails["rows"] < LEAST:
        raise Missing(f"only {mails['rows']} mails")
    return f"{mails['lost_or_wrong']} of {mails['rows']}", mails["lost_or_wrong"] == 0


_GOALS: list[tuple[str, str, Measure]] = [
    ("faulted sends", "enough", _faulted_sends),
    ("processes killed, stopped, servers restarted", "as planned", _incidents),
    ("doubled upstream orders", "0", _zero("truth", "doubled")),
    ("lost acknowledged orders", "0", _broken("N1")),
    ("cents unaccounted for", "0", _audited(invariants=("I1", "I3", "I4", "I5", "I6"))),
    ("wallets below zero", "0", _audited("wallet_balances", invariants=("I2",))),
    ("wrong verdicts of the shop", "0", _zero("truth", "wrong_verdicts")),
    ("wrong verdicts of the bracket alone", "0", _bracket),
    ("NOT_SENT though the server had read", "0", _wire),
    (
        "reconciliation differences without a row",
        "0",
        _audited("provider_books", "order_costs_have_their_row", invariants=("R1",)),
    ),
    (
        "other invariants of the judge",
        "0",
        _broken(*(f"F{n}" for n in range(1, 8)), *(f"S{n}" for n in range(1, 13)), "N2", "L1"),
    ),
    ("doubts resolved without a person, default", ">= 97 %", _share("default", 97)),
    ("doubts resolved without a person, outage", ">= 84 %", _share("outage", 84)),
    # Of some fifty; the machine of brackets holds 4,000 of each kind to 95 %.
    ("doubts resolved without a person, late charges", ">= 90 %", _share("late charges", 90, "late charges")),
    ("time to a verdict, p95 (scaled)", "<= T_settle + 5 min", _p95),
    ("killed sender seen as in doubt", "<= 60 s", _killed_senders),
    ("backlog moves after FLUSHALL", "<= 60 s", _flushes),
    ("D1: doorbells heard, dropped, tripled", "0 differ", _same_money),
    ("restore: sent while frozen, or twice", "0", _restored),
    ("restore: payments not credited once", "0", _paid),
    ("doubts closed by a repeat, bought twice 0", "> 0, 0 where ignored", _repeated),
    ("orders of jobs not asked about once", "0", _jobs),
    ("mails lost, or not by their row", "0", _mails),
    ("canaries caught", f"{CANARIES} of {CANARIES}", _canaries),
]


def _often_enough(what: str, needed: set[str], report: Report) -> Figure:
    name, goal = f"each kind of {what}", f">= {LEAST}"
    counted = report.get("counts", {}).get(what, {})
    seldom = {kind: counted.get(kind, 0) for kind in sorted(needed) if counted.get(kind, 0) < LEAST}
    if not needed:
        return Figure(name, "–", goal, UNKNOWN, "nobody says which kinds there are")
    if seldom:
        said = ", ".join(f"{kind} {count}" for kind, count in seldom.items())
        return Figure(name, f"{len(seldom)} of {len(needed)} too seldom", goal, UNKNOWN, said)
    return Figure(name, f"least {min(counted[kind] for kind in needed)}", goal, PASSED)


def _soundness(report: Report) -> list[Figure]:
    """What makes a run worth nothing, however good its figures are."""
    doubts = [*_stages(report), *_processes(report), *_lacking(report)]
    steps, checks = (report.get("counts", {}).get(name) for name in ("steps", "checks"))
    shown = f"{checks} of {steps}"
    same = Figure("judgements made", shown, "as many as steps", PASSED if steps and steps == checks else UNKNOWN)
    status = UNKNOWN if doubts else PASSED
    return [same, Figure("the run is whole", f"{len(doubts)} doubts", "0 doubts", status, "; ".join(doubts))]


def _stages(report: Report) -> list[str]:
    found = []
    stages = report.get("stages") or []
    if not stages:
        found.append("no stage ran")
    for stage in stages:
        name = stage["name"]
        if stage.get("status") != 0:
            found.append(f"{name} ended with {stage.get('status')}")
        if stage.get("seconds", 0) > 2 * stage.get("budget", 0):
            found.append(f"{name} took {stage.get('seconds')} s, twice its budget of {stage.get('budget')} s")
        tests = stage.get("tests")
        if tests is not None:
            if not tests.get("run"):
                found.append(f"{name} collected no test")
            found += [f"{name}: {tests[kind]} tests {kind}" for kind in ("skipped", "errors") if tests.get(kind)]
    return found


def _processes(report: Report) -> list[str]:
    found = []
    for name, part in (report.get("parts") or {}).items():
        if not part.get("finished"):
            found.append(f"{name} did not reach its end")
        found += [f"{name}: {end}" for end in part.get("unexpected_ends", [])]
        found += [f"{name}: {left} was left over" for left in part.get("left_over", [])]
        found += [f"{name}: {odd}" for odd in part.get("sockets", [])]
        if part.get("steps") != part.get("checks"):
            found.append(f"{name}: {part.get('checks')} judgements of {part.get('steps')}")
        if part.get("reconciled") is False:
            found.append(f"{name}: an account never became quiet")
    return found


def _lacking(report: Report) -> list[str]:
    return [f"the report has no {name}" for name in ("seed", "versions", "counts", "seconds") if not report.get(name)]


def failed_tests(report: Report) -> Figure:
    """Red tests are failures, not doubts."""
    failures = [
        f"{s['name']}: {s['tests']['failures']}" for s in report.get("stages", []) if s.get("tests", {}).get("failures")
    ]
    return Figure("red tests", str(len(failures)), "0", FAILED if failures else PASSED, ", ".join(failures))
