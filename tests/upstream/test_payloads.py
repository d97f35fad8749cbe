"""Every answer of the corpus is read as its case says, through the client and a real socket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.upstream import readings
from tests.upstream.cases import PAYLOADS, Case, all_cases
from tests.upstream.peers import Peer, answer, answers_with, peer
from upstream.client import Dialect, ProviderClient
from upstream.errors import ErrorClass, ProviderFailure
from upstream.messages import ServiceList, ServiceListRow
from upstream.service_types import service_type

CASES = all_cases()
KEY = "0123456789abcdef0123456789abcdef"
ORDER = {"service": "1", "link": "https://example.com/p/1", "quantity": "1000"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Peer]:
    with peer(answers_with(b"")) as running:
        yield running


def test_every_file_has_a_case_and_every_case_a_file() -> None:
    assert {case.file for case in CASES} == {path.name for path in PAYLOADS.iterdir()}
    assert len(CASES) >= 325


@pytest.mark.parametrize("case", [case for case in CASES if case.action != "services"], ids=lambda case: case.name)
def test_an_answer_is_read_as_the_corpus_says(case: Case, provider: Peer) -> None:
    got = read(case, client_for(case, provider))
    assert normal(got) == normal(case.reading)


@pytest.mark.parametrize("case", [case for case in CASES if case.action == "services"], ids=lambda case: case.name)
def test_a_service_list_is_read_as_the_corpus_says(case: Case, provider: Peer) -> None:
    client = client_for(case, provider)
    if case.reading.startswith("unavailable"):
        with pytest.raises(ProviderFailure) as failed:
            client.services()
        assert readings.failure(failed.value) == case.reading
        return
    check_list(client.services(), re.split(r"(?<!\\); ", case.reading))


def client_for(case: Case, provider: Peer) -> ProviderClient:
    location = "Location: http://127.0.0.1:1/api/v2\r\n" if 300 <= case.http_status < 400 else ""
    provider.behaviour = answers_with(answer(case.body, case.http_status, case.content_type, location))
    name, _, value = case.settings.partition("=")
    dialect = Dialect(
        numeric_states=name == "numeric_states",
        cancel_single=name == "cancel_single",
        description_field=value if name == "description_field" else None,
    )
    return ProviderClient(provider.url, KEY, dialect=dialect, allow_private=True)


def read(case: Case, client: ProviderClient) -> str:
    try:
        return call(case, client)
    except ProviderFailure as problem:
        return readings.failure(problem)


def call(case: Case, client: ProviderClient) -> str:
    many = bool(case.asked) and (len(case.asked) > 1 or "multi" in case.file)
    match case.action:
        case "add":
            placed = client.add(ORDER)
            charge = f" charge={placed.charge}" if placed.charge is not None else ""
            return f"placed {placed.order_id}" + charge + (" noise" if placed.noise else "")
        case "status" if many:
            items = client.statuses(case.asked)
            if case.reading.startswith("states"):
                return readings.states(items)
            return readings.counts(items) if case.reading.startswith("counts") else readings.batch(dict(items))
        case "status":
            return readings.item(client.status("23501"))
        case "refill":
            return readings.item(client.refill("23501"))
        case "refill_status":
            return (
                readings.batch(dict(client.refill_statuses(case.asked)))
                if many
                else readings.item(client.refill_status("1"))
            )
        case "cancel":
            return readings.batch(dict(client.cancel(case.asked)))
        case "balance":
            balance = client.balance()
            return f"balance {readings.plain(balance.amount)} {balance.currency or '-'}"
        case "orders":
            return readings.recent(client)
    raise AssertionError(f"no call for {case.action}")


def normal(reading: str) -> str:
    """Amounts compare as numbers, counts in any order."""
    words = [re.sub(r"(charge=|balance )(-?[0-9.]+)", bare, word) for word in re.split(r" (?=\S+=)", reading)]
    return " ".join(sorted(words) if reading.startswith("counts") else words)


def bare(found: re.Match[str]) -> str:
    return found[1] + readings.plain(Decimal(found[2]))


def check_list(services: ServiceList, wanted: list[str]) -> None:
    rows = {row.external_id: row for row in services.rows}
    assert len(rows) == len(services.rows)
    facts = {
        "accepted": sum(not row.quarantine for row in services.rows),
        "quarantined": sum(bool(row.quarantine) for row in services.rows),
        "skipped": services.skipped,
    }
    noise = "noise" in wanted
    assert services.noise is noise
    for word in wanted:
        name, _, value = word.replace("\\;", ";").partition("=")
        if name in facts:
            assert facts[name] == int(value), (word, services)
        elif "." in name:
            external_id, fact = name.split(".", 1)
            check_row(rows[external_id], fact, value)
        else:
            check_whole(services, name, value)


def check_whole(services: ServiceList, name: str, value: str) -> None:
    match name:
        case "noise":
            assert services.noise
        case "ids":
            assert [row.external_id for row in services.rows] == value.split(",")
        case "types":
            assert [row.type for row in services.rows] == value.split(",")
        case "reported":
            assert all(f"Service {value}:" in report for report in services.reports)
            assert services.reports
        case "samecategory":
            assert len({row.category for row in services.rows if row.external_id in value.split(",")}) == 1
        case _:
            raise AssertionError(f"the corpus says {name}, which nothing checks")


def check_row(row: ServiceListRow, fact: str, value: str) -> None:
    if fact == "why":
        assert [reason.split(":")[0] for reason in row.quarantine] == [value]
    elif fact == "whytext":
        assert value in row.quarantine[0]
    elif fact == "unit":
        kind = service_type(row.raw_type)
        assert kind is not None
        assert kind.priced_by == value
    elif fact == "descriptionhas":
        assert value in row.description
    elif fact == "rate":
        assert row.rate == Decimal(value)
    else:
        said = getattr(row, fact)
        shown = {True: "yes", False: "no", None: "-"}[said] if said is None or isinstance(said, bool) else str(said)
        assert shown == value


def test_refusals_carry_a_class_of_the_table(provider: Peer) -> None:
    classes = {case.reading.split()[1] for case in CASES if case.reading.startswith("refused")}
    assert classes <= {str(one) for one in ErrorClass}
    assert {case.then for case in CASES if case.action == "add"} == {"", "refund", "retry", "park"}
