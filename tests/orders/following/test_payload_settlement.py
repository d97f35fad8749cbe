"""Every answer to `status` that the corpus knows, through the client and the shop, to the money it must move."""

import random
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from accounts.models import User
from billing import audit as books
from billing import ledger
from billing.models import Hold
from catalog.models import Category, Provider, ProviderService, Service
from core.clock import database_now
from core.money import round_down
from orders import audit
from orders.checkout.placement import place_order
from orders.following import child_answers, order_answers
from orders.following.batches import Batch
from orders.models import ForwardAttempt, Order
from orders.states import FINAL, Forward, Outcome, Progress
from tests.battery.counts import sized
from tests.orders.answers import asked_once
from tests.upstream.cases import Case, all_cases
from tests.upstream.peers import Peer, answer, answers_with, peer
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db

CASES = [case for case in all_cases() if case.action == "status"]
SEQUENCES = sorted({case.file[:13] for case in CASES if "__seq_" in case.file})
#: What the local order is, where it is not 1,000 of a Default service.
PARENTS = {
    "status__dripfeed_parent": {"quantity": "200", "runs": "5", "interval": "10"},
    "status__subscription": {"username": "bob", "posts": "3", "min": "100", "max": "100", "delay": "0"},
}


@pytest.fixture
def panel() -> Iterator[Peer]:
    with peer(answers_with(b"")) as running:
        yield running


@pytest.fixture
def provider(db: None, panel: Peer) -> Provider:
    made = Provider(name="Gulf", url=panel.url, currency="USD", new_services="shown")
    made.set_key("0123456789abcdef")
    made.save()
    return made


@pytest.fixture
def alice(db: None) -> User:
    user = User.objects.create_user("alice@example.com")
    ledger.credit(customer=user, amount=Decimal(1000), reason="test", reference="start", actor="test")
    return user


def service(provider: Provider, kind: str) -> Service:
    source, _made = ProviderService.objects.get_or_create(
        provider=provider,
        external_id=kind,
        defaults={"name": kind, "type": kind, "rate": Decimal("0.90"), "min": 1, "max": 10_000, "dripfeed": True},
    )
    category, _made = Category.objects.get_or_create(name="All")
    defaults = {"category": category, "name": kind, "min": 1, "max": 10_000, "price": Decimal("1.17")}
    return Service.objects.get_or_create(source=source, defaults=defaults)[0]


def in_progress(provider: Provider, alice: User, upstream_id: str, fields: dict[str, str]) -> Order:
    """An order the provider has under this id and is delivering."""
    kind = "subscriptions" if "username" in fields else "default"
    given = {"link": "https://example.com/p/1", "quantity": "1000", **fields}
    order = place_order(
        customer=alice, service_id=service(provider, kind).pk, fields=given, now=database_now()
    ).order  # fmt: skip
    now = database_now()
    rows = Order.objects.filter(pk=order.pk)
    rows.update(forward_state=Forward.CLAIMED)
    attempt = ForwardAttempt.objects.create(
        order=order, n=1, provider=provider, token=uuid.uuid4(), lane=1, lane_pid=0, lane_started=now, claimed_at=now,
        leased_until=now, expected_cost=order.expected_cost,
    )  # fmt: skip
    rows.update(forward_state=Forward.SENDING)
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.SENDING, sent_at=now)
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.PLACED, upstream_id=upstream_id)
    rows.update(
        forward_state=Forward.PLACED, upstream_id=upstream_id, placed_at=now, next_poll_at=now, progress="in_progress"
    )
    order.refresh_from_db()
    return order


def says(panel: Peer, provider: Provider, case: Case, orders: dict[str, Order]) -> None:
    panel.behaviour = answers_with(answer(case.body, case.http_status, case.content_type))
    if case.settings:
        Provider.objects.filter(pk=provider.pk).update(dialect={case.settings: True})
    fresh = Provider.objects.get(pk=provider.pk)
    # Smaller batches that the shop would ask next are another question, and get another answer.
    asked_once(Batch(fresh, {i: o.pk for i, o in orders.items()}, database_now()))
    for order in orders.values():
        order.refresh_from_db()


def due(order: Order, share: str) -> Decimal:
    missing, of = map(int, share.split("/"))
    assert of == order.total
    return round_down(order.charge * missing / of)


def check(order: Order, then: str) -> None:
    hold = Hold.objects.get(reference=order.reference)
    assert order.refunded == hold.refunded
    match then.split():
        case ["keep"] | ["none"]:
            assert (hold.earned, hold.refunded, order.progress in FINAL) == (0, 0, False)
        case ["review"]:
            assert (hold.earned, hold.refunded, order.progress in FINAL) == (0, 0, False)
            assert order.needs_review
        case ["settle", "children"]:
            assert (hold.earned, hold.refunded, order.progress in FINAL) == (0, 0, False)
            assert order.ended_as in FINAL
            assert order.children.exists()
        case ["settle", share]:
            whole = {"none": f"0/{order.total}", "full": f"{order.total}/{order.total}"}
            assert hold.refunded == due(order, whole.get(share, share))
            assert hold.earned == order.charge - hold.refunded
            assert order.progress in FINAL
        case _:
            raise AssertionError(f"what does {then!r} mean?")


def fields_of(case: Case) -> dict[str, str]:
    return next((fields for begins, fields in PARENTS.items() if case.file.startswith(begins)), {})


@pytest.mark.parametrize("case", [c for c in CASES if c.then and "__seq_" not in c.file], ids=lambda c: c.name)
def test_an_answer_moves_the_money_the_corpus_says(case: Case, panel: Peer, provider: Provider, alice: User) -> None:
    ids = case.asked or ("23501",)
    orders = {i: in_progress(provider, alice, i, fields_of(case)) for i in ids}
    says(panel, provider, case, orders)
    thens = (
        dict(part.split("=", 1) for part in case.then.split(" | "))
        if "=" in case.then
        else dict.fromkeys(ids, case.then)
    )
    assert set(thens) == set(ids)
    for i, then in thens.items():
        check(orders[i], then)
    assert all(finding.holds for finding in books.check(audit.EQUATIONS))


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_sequence_of_answers_pays_its_largest_target_and_no_sum(
    sequence: str, panel: Peer, provider: Provider, alice: User
) -> None:
    order = in_progress(provider, alice, "23501", {})
    most = Decimal(0)
    for case in sorted((c for c in CASES if c.file.startswith(sequence)), key=lambda c: c.file):
        says(panel, provider, case, {"23501": order})
        shares = {"settle full": "1000/1000", "settle none": "0/1000", "none": "0/1000"}
        most = max(most, due(order, shares.get(case.then, case.then.removeprefix("settle "))))
        assert order.refunded == most
    hold = Hold.objects.get()
    assert hold.refunded == most
    assert hold.earned == (order.charge - most if order.progress in FINAL else 0)


@pytest.mark.parametrize("name", ["spellings", "multi_100"])
def test_a_long_batch_settles_each_order_by_its_own_word(
    name: str, panel: Peer, provider: Provider, alice: User
) -> None:
    [case] = [c for c in CASES if c.file == f"status__{name}.json"]
    orders = {i: in_progress(provider, alice, i, {"quantity": "100"}) for i in case.asked}
    says(panel, provider, case, orders)
    expected = dict(re.findall(r"(\d+)=([a-z_]+)", case.reading)) if name == "spellings" else {}
    for i, order in orders.items():
        hold = Hold.objects.get(reference=order.reference)
        assert order.progress in FINAL or hold.refunded == hold.earned == 0
        if expected.get(i) in set(Progress.values) - {"expired"} and not order.needs_review:
            assert order.progress == expected[i], i
    assert all(finding.holds for finding in books.check(audit.EQUATIONS))
    if name == "multi_100":
        assert sum(o.progress in FINAL for o in orders.values()) == 47


@pytest.mark.parametrize(
    ("file", "missing"), [("status__dripfeed_parent_completed.json", 600), ("status__subscription_expired.json", 0)]
)
def test_a_parent_ends_when_the_children_of_its_answer_have(
    file: str, missing: int, panel: Peer, provider: Provider, alice: User
) -> None:
    [case] = [c for c in CASES if c.file == file]
    order = in_progress(provider, alice, "23501", fields_of(case))
    says(panel, provider, case, {"23501": order})
    for child in order.children.all():
        order.refresh_from_db()
        assert order.progress not in FINAL
        now = database_now()
        done = OrderStatus(state=ProviderOrderState.COMPLETED, raw_state="Completed", remains=0)
        child_answers.apply_answers({child.pk: done}, provider=provider, asked_at=now, now=now)
    # Of runs that were not listed the provider has to say so once more, when they could have been.
    long_ago = database_now() - timedelta(seconds=settings.RUNS_SETTLE_SECONDS)
    Order.objects.filter(pk=order.pk).update(state_since=long_ago)
    order.children.update(created_at=long_ago)
    says(panel, provider, case, {"23501": order})
    assert order.progress in FINAL
    assert order.refunded == due(order, f"{missing}/{order.total}")
    assert all(finding.holds for finding in books.check(audit.EQUATIONS))


ENDS = (ProviderOrderState.COMPLETED, ProviderOrderState.PARTIAL, ProviderOrderState.CANCELED)
OPEN = (
    ProviderOrderState.PENDING,
    ProviderOrderState.IN_PROGRESS,
    ProviderOrderState.FAILED,
    ProviderOrderState.PAUSED,
)


@pytest.mark.parametrize("seed", range(sized(3, 24, 200)))
def test_whatever_is_said_of_runs_in_whatever_order_pays_back_what_did_not_arrive(
    seed: int, provider: Provider, alice: User
) -> None:
    """Against a model of one line: a run delivered the least that any of its ends left of it."""
    chance = random.Random(seed)  # noqa: S311 - a story, no secret
    order = in_progress(provider, alice, "23501", {"quantity": "97", "runs": "4", "interval": "10"})
    runs, delivered, refunded = [str(n) for n in range(1, chance.randint(2, 5))], dict[str, int](), Decimal(0)

    def answered(run: str | None, state: ProviderOrderState, remains: int | None = None, later: float = 0) -> None:
        now, items = database_now() + timedelta(seconds=later), tuple(runs) if run is None else None
        said = OrderStatus(state=state, raw_state=state.value, remains=remains, children=items)
        apply = order_answers.apply_answers if run is None else child_answers.apply_answers
        about = order.pk if run is None else order.children.get(upstream_id=run).pk
        apply({about: said}, provider=provider, asked_at=now, now=now)

    answered(None, ProviderOrderState.IN_PROGRESS)
    for _step in range(20):
        run = chance.choice([None, *runs])
        state = chance.choice(ENDS + OPEN)
        remains = chance.randint(-5, 120) if state is ProviderOrderState.PARTIAL else None
        answered(run, state, remains)
        if run is not None and state in ENDS:
            left = {ProviderOrderState.COMPLETED: 97, ProviderOrderState.CANCELED: 0}.get(
                state, 97 - max(0, min(remains or 0, 97))
            )
            delivered[run] = min(delivered.get(run, 97), left)
        order.refresh_from_db()
        assert order.refunded >= refunded, "what was refunded is never taken"
        refunded = order.refunded
        assert all(finding.holds for finding in books.check(audit.EQUATIONS))
    for run in set(runs) - set(delivered):
        answered(run, ProviderOrderState.COMPLETED)
        delivered[run] = 97
    answered(None, ProviderOrderState.COMPLETED)
    answered(None, ProviderOrderState.COMPLETED, later=settings.RUNS_SETTLE_SECONDS + 1)
    order.refresh_from_db()
    assert order.progress in FINAL
    assert order.refunded == due(order, f"{4 * 97 - sum(delivered.values())}/{4 * 97}")
