"""F1-F7, N2 and L1: what left the shop, what the provider accepted, and what the shop believes of it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.battery.judge_rows import LIVE, Rows, Upstream, target_of

if TYPE_CHECKING:
    from tests.battery.judge import Truth

Found = Iterator[tuple[str, str, str]]


def bought_at_most_once(rows: Rows, upstream: Upstream, truth: "Truth") -> Found:
    for order in rows.orders:
        accepted = upstream.of_order(order)
        # A person who called a placed order "not placed" had it bought again: their doing, not the shop's.
        if len(accepted) > 1 + _decisions(rows, truth, order):
            numbers = ", ".join(str(row["order"]) for row in accepted)
            yield "F1", "an order is bought at most once", f"order {order.id} at {order.provider_id}: {numbers}"
        live = [a for a in rows.attempts_of[order.id] if a.outcome in LIVE]
        if len(live) > 1:
            yield "F1", "an order has at most one live attempt", f"order {order.id}: {[a.n for a in live]}"
    yield from _refilled_at_most_once(rows, truth)


def _decisions(rows: Rows, truth: "Truth", order: Any) -> int:
    """How often a person said that the order was not placed, whether the database still knows of it or not."""
    return rows.was_decided(order) + truth.decided[target_of(order)]


def _refilled_at_most_once(rows: Rows, truth: "Truth") -> Found:
    live = Counter(a.refill_id for a in rows.refill_attempts if a.outcome in LIVE)
    for refill_id, number in live.items():
        if number > 1:
            yield "F1", "a refill has at most one live attempt", f"refill {refill_id}: {number}"
    if truth.refills is None:
        return
    asked: Counter[tuple[int, str]] = Counter()
    for refill in rows.refills:
        order = rows.order_of[refill.order_id]
        sent = [a for a in rows.refill_attempts if a.refill_id == refill.id and a.outcome in LIVE]
        asked[order.provider_id, order.upstream_id] += bool(sent)
    for place, taken in truth.refills.items():
        if taken > asked[place]:
            yield "F1", "a refill is asked for at most once", f"{place}: {taken} taken, {asked[place]} sent"


def attempts_follow_proof(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    for order in rows.orders:
        attempts = rows.attempts_of[order.id]
        if [a.n for a in attempts] != list(range(1, len(attempts) + 1)):
            yield "F2", "attempts are numbered in a row", f"order {order.id}: {[a.n for a in attempts]}"
        for earlier in attempts[:-1]:
            if not _is_over(earlier):
                yield "F2", "an attempt follows proof that nothing was bought", f"order {order.id}: {earlier}"
    said = defaultdict(int)
    for exchange in rows.exchanges:
        key = (exchange.forward_attempt_id, exchange.refill_attempt_id)
        said[key] = max(said[key], exchange.send_calls)
    for attempt in rows.attempts:
        if attempt.outcome == "not_sent" and (attempt.send_calls != 0 or said[attempt.id, None]):
            yield "F2", "what is called not sent was not sent", f"attempt {attempt.id}: {said[attempt.id, None]} writes"
    for attempt in rows.refill_attempts:
        if attempt.outcome == "not_sent" and (attempt.send_calls != 0 or said[None, attempt.id]):
            yield "F2", "what is called not sent was not sent", f"refill attempt {attempt.id}"


def _is_over(attempt: Any) -> bool:
    if attempt.outcome == "not_sent":
        return bool(attempt.send_calls == 0)
    if attempt.outcome == "not_placed":
        return attempt.has_bracket or attempt.decided_by is not None
    return attempt.outcome in ("released", "refused")


def refunded_orders_were_not_bought(rows: Rows, upstream: Upstream, truth: "Truth") -> Found:
    for order in rows.orders:
        if order.forward_state not in ("refused", "refunded") or _decisions(rows, truth, order):
            continue
        # Refunded with the doubt left open, by the owner's patience: the store's loss, and known as one.
        if any(a.outcome in ("in_doubt", "placed") for a in rows.attempts_of[order.id]):
            continue
        if accepted := upstream.of_order(order):
            yield "F3", "what was refunded as not placed was not bought", f"order {order.id}: {accepted[0]['order']}"


def placed_orders_are_theirs(rows: Rows, upstream: Upstream, truth: "Truth") -> Found:
    served: dict[tuple[int, str], list[int]] = defaultdict(list)
    for attempt in rows.attempts:
        if attempt.outcome != "placed":
            continue
        served[attempt.provider_id, attempt.upstream_id].append(attempt.order_id)
        order = rows.order_of.get(attempt.order_id)
        if order is None or target_of(order) in truth.liars:
            continue
        row = upstream.orders.get((attempt.provider_id, attempt.upstream_id))
        if row is None or str(row["link"]) != target_of(order):
            whose = "nobody's" if row is None else row["link"]
            yield "F5", "a placed order has its own id", f"order {order.id} as {attempt.upstream_id}, {whose}"
    for place, orders in served.items():
        if len(orders) > 1:
            yield "F5", "no id serves two orders", f"{place}: orders {orders}"
    for order in rows.orders:
        placed = [a.upstream_id for a in rows.attempts_of[order.id] if a.outcome == "placed"]
        if order.forward_state == "placed" and placed != [order.upstream_id]:
            yield "F5", "a placed order has the id of its attempt", f"order {order.id}: {order.upstream_id}, {placed}"


def what_was_sent_is_what_was_bought(rows: Rows, upstream: Upstream, _truth: "Truth") -> Found:
    for order in rows.orders:
        wanted = {"service": order.external_service_id, **order.fields}
        wanted = {name: str(value) for name, value in wanted.items() if str(value) != ""}
        for row in upstream.of_order(order):
            got = {name: str(value) for name, value in row["fields"].items()}
            if got != wanted:
                yield "F6", "the payload is the order, byte for byte", f"order {order.id}: {got}, not {wanted}"


def exposure_is_bounded(rows: Rows, _upstream: Upstream, truth: "Truth") -> Found:
    if truth.cap is None:
        return
    doubtful: dict[int, list[Any]] = defaultdict(list)
    for attempt in rows.attempts:
        # What came back from a dump is in doubt all at once, whatever it costs; what was refunded is a loss by now.
        order = rows.order_of.get(attempt.order_id)
        is_lost = order is not None and order.forward_state == "refunded"
        if attempt.outcome == "in_doubt" and not attempt.is_restored and not is_lost:
            doubtful[attempt.provider_id].append(attempt)
    for provider, attempts in doubtful.items():
        cost = sum(a.expected_cost for a in attempts)
        # One order that is dearer than the cap goes alone, and stands for it.
        if cost > max(truth.cap, truth.dearest) + truth.lanes * truth.dearest:
            told = [f"{a.expected_cost}{' trial' * a.is_trial} {a.sent_at:%H:%M:%S.%f}" for a in attempts]
            says = "the cost in doubt stays within the cap and one order per lane"
            yield "F7", says, f"provider {provider}: {cost} of {'; '.join(told)}"


def answers_are_kept(rows: Rows, _upstream: Upstream, truth: "Truth") -> Found:
    for exchange in rows.exchanges:
        if "key" in (exchange.transcript.get("request_fields") or {}):
            yield "N2", "what was said is kept without the key", f"exchange {exchange.id}"
    if truth.answers is None:
        return
    kept = Counter(
        str(e.transcript["request_fields"].get("link") or e.transcript["request_fields"].get("username"))
        for e in rows.exchanges
        if e.action == "add" and e.forward_attempt_id is not None
    )
    for link, number in truth.answers.items():
        if kept[link] < number:
            yield "N2", "every answer that reached us is kept", f"{link}: {number} answers, {kept[link]} kept"


def stored_answers_were_heeded(rows: Rows, _upstream: Upstream, truth: "Truth") -> Found:
    """An answer that says plainly which order was placed leaves no doubt open behind it."""
    outcome = {a.id: a for a in rows.attempts}
    owner = {(a.provider_id, a.upstream_id): a.id for a in rows.attempts if a.upstream_id}
    for e in rows.exchanges:
        said = e.transcript
        if e.action != "add" or e.http_status != 200 or not said.get("complete") or said.get("deadline_fired"):
            continue
        number = _plain_id(str(said.get("body")))
        attempt = outcome.get(e.forward_attempt_id)
        if number is None or attempt is None or attempt.outcome == "placed":
            continue
        if owner.get((e.provider_id, number), attempt.id) == attempt.id and attempt.decided_by is None:
            yield "N2", "a plain answer decides its attempt", f"attempt {attempt.id} is {attempt.outcome}: {number}"


def _plain_id(body: str) -> str | None:
    inside = body.strip().removeprefix('{"order": ').removesuffix("}")
    # More than 19 digits are no order number of any panel.
    return inside if inside.isascii() and inside.isdigit() and inside.strip("0") and len(inside) < 20 else None


def every_upstream_order_is_explained(rows: Rows, upstream: Upstream, truth: "Truth") -> Found:
    attached = {(a.provider_id, a.upstream_id): a.order_id for a in rows.attempts if a.upstream_id is not None}
    known = {(o.provider_id, o.upstream_id): o for o in rows.own_ids}
    listed = {(b.provider_id, b.upstream_id) for b in rows.breaks if b.kind == "unknown_order"}
    for place, row in upstream.orders.items():
        if place in attached:
            continue
        order = rows.order_at.get((place[0], str(row["link"])))
        if order is None:
            # Somebody else ordered with our key: a row tells the owner, once the daily scan has passed it.
            if str(row["link"]) not in truth.foreign:
                yield "F4", "every order of our key is ours, foreign or an orphan", f"{place}: {row['link']}"
            elif place not in known and place not in listed and truth.foreign_is_listed:
                yield "F4", "a foreign order is listed", f"{place}: {row['link']}"
            continue
        open_doubt = any(a.outcome == "in_doubt" for a in rows.attempts_of[order.id])
        if not truth.assumptions_hold or open_doubt or _decisions(rows, truth, order):
            continue
        yield "F4", "no order of ours is an orphan", f"order {order.id} ({order.forward_state}) is {place[1]}"


def nothing_is_stuck(rows: Rows, _upstream: Upstream, _truth: "Truth") -> Found:
    parked = {p.id for p in rows.providers if p.parked_at is not None or not p.is_active}
    for order in rows.orders:
        if order.forward_state in ("claimed", "sending", "in_doubt"):
            yield "L1", "nothing is claimed, sending or in doubt without a person", f"{order.id}: {order.forward_state}"
        if order.forward_state == "queued" and order.provider_id not in parked:
            yield "L1", "nothing waits in the queue", f"order {order.id} since {order.next_at}, now {rows.now}"
    for attempt in [*rows.attempts, *rows.refill_attempts]:
        if attempt.outcome in ("claimed", "sending"):
            yield "L1", "no attempt is under way", f"attempt {attempt.id}: {attempt.outcome}"
    for refill in rows.refills:
        if refill.state in ("claimed", "sending") or (refill.state == "queued" and refill.provider_id not in parked):
            yield "L1", "no refill is on its way", f"refill {refill.id}: {refill.state}"


EACH_STEP = (
    bought_at_most_once,
    attempts_follow_proof,
    refunded_orders_were_not_bought,
    placed_orders_are_theirs,
    what_was_sent_is_what_was_bought,
    exposure_is_bounded,
    answers_are_kept,
)
AT_REST = (stored_answers_were_heeded, every_upstream_order_is_explained, nothing_is_stuck)
