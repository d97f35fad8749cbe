"""The arithmetic of prices, for any cost and any rule."""

import time
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from catalog.pricing import PER_PACKAGE, Markup, charge_for, cost_for, price_from
from catalog.rounding import own_step, rounded
from core.money import EXACT, QUANTUM

costs = st.decimals("0.00000001", "1000000", places=8)
percents = st.decimals("0", "5000", places=2)
amounts = st.decimals("0", "1000", places=5)
roundings = st.one_of(
    st.just(("none", Decimal(0))),
    st.tuples(st.just("step"), st.decimals("0.00001", "100", places=5)),
    st.tuples(st.just("ending"), st.decimals("0.00001", "99.99999", places=5)),
    st.tuples(st.just("digits"), st.integers(1, 15).map(Decimal)),
)


@st.composite
def some_terms(draw: st.DrawFn) -> Markup:
    way, value = draw(roundings)
    margin = draw(st.decimals("0", "99.99", places=2))
    return Markup(draw(percents), draw(amounts), margin, draw(amounts), way, value)


groups = st.decimals("-99", "1000", places=2)
own_prices = st.one_of(st.none(), st.decimals("0.00001", "100000", places=5))


@given(costs, costs, some_terms(), groups, own_prices)
def test_a_higher_cost_never_makes_a_lower_price(
    a: Decimal, b: Decimal, terms: Markup, group: Decimal, own: Decimal | None
) -> None:
    low, high = sorted((a, b))
    cheap = price_from(low, terms, group_percent=group, own_price=own)
    assert cheap <= price_from(high, terms, group_percent=group, own_price=own)


@given(costs, some_terms(), groups, own_prices)
def test_cost_margin_and_lowest_price_hold_after_a_groups_discount(
    cost: Decimal, terms: Markup, group: Decimal, own: Decimal | None
) -> None:
    price = price_from(cost, terms, group_percent=group, own_price=own)
    assert price >= cost
    assert price >= terms.floor
    assert EXACT.multiply(price - cost, Decimal(100)) >= EXACT.multiply(price, terms.minimum_margin)


@given(costs, some_terms(), groups)
def test_a_price_is_a_whole_number_of_quanta(cost: Decimal, terms: Markup, group: Decimal) -> None:
    price = price_from(cost, terms, group_percent=group)
    assert price == price.quantize(QUANTUM, context=EXACT)


@given(costs, roundings)
def test_rounding_goes_up_to_the_next_price_of_its_kind(price: Decimal, how: tuple[str, Decimal]) -> None:
    way, value = how
    up = rounded(price, way, value)
    assert up >= price
    assert rounded(up, way, value) == up
    if way == "step":
        assert up % value == 0
        assert up - price < value
    if way == "ending" and price > own_step(value):
        assert up % own_step(value) == value
        assert up - price < own_step(value)
    if way == "ending" and price <= own_step(value):
        assert up - price < QUANTUM
    if way == "digits":
        assert len(up.normalize().as_tuple().digits) <= value
        assert up <= price * (1 + Decimal(10).scaleb(-int(value))) + QUANTUM


@given(costs, some_terms(), st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["per_1000", PER_PACKAGE]))
def test_splitting_an_order_is_never_cheaper(cost: Decimal, terms: Markup, a: int, b: int, unit: str) -> None:
    price = price_from(cost, terms)
    assert charge_for(price, a, unit) + charge_for(price, b, unit) >= charge_for(price, a + b, unit)


@given(costs, some_terms(), groups, st.integers(1, 10**7))
def test_no_order_of_any_size_is_charged_below_its_cost(cost: Decimal, terms: Markup, group: Decimal, n: int) -> None:
    price = price_from(cost, terms, group_percent=group)
    assert charge_for(price, n, "per_1000") >= cost_for(cost, Decimal(1), n, "per_1000")


def priced(cost: str, *, group: str = "0", own: str | None = None, **terms: str) -> Decimal:
    way = terms.pop("rounding", "none")
    exact = Markup(rounding=way, **{name: Decimal(value) for name, value in terms.items()})
    return price_from(
        Decimal(cost), exact, group_percent=Decimal(group), own_price=None if own is None else Decimal(own)
    )


def test_prices_by_each_kind_of_markup() -> None:
    assert priced("1", percent="30") == Decimal("1.3")
    assert priced("1", percent="30", fixed="0.2") == Decimal("1.5")
    assert priced("1", percent="10", minimum_margin="50") == 2
    assert priced("0.00012", percent="30", floor="0.01") == Decimal("0.01")
    assert priced("1", percent="30", rounding="step", rounding_value="0.25") == Decimal("1.5")
    assert priced("1", percent="30", rounding="ending", rounding_value="0.99") == Decimal("1.99")
    assert priced("0.02", percent="30", rounding="ending", rounding_value="0.99") == Decimal("0.026")
    assert priced("4", percent="5", rounding="ending", rounding_value="0.95") == Decimal("4.95")
    assert priced("123.45", percent="0", rounding="digits", rounding_value="2") == 130
    assert priced("0.0001234", percent="0", rounding="digits", rounding_value="2") == Decimal("0.00013")
    assert priced("1", percent="30", group="-10") == Decimal("1.17")
    assert priced("1", percent="30", group="-90") == 1
    assert priced("1", own="1.23", rounding="ending", rounding_value="0.99") == Decimal("1.23")
    assert priced("1.3", own="1.23") == Decimal("1.3")
    assert priced("1", own="2", group="-10") == Decimal("1.8")


def test_one_price_takes_at_most_fifty_microseconds() -> None:
    terms = Markup(Decimal(30), Decimal("0.01"), Decimal(10), Decimal("0.002"), "ending", Decimal("0.99"))
    costs = [Decimal(n) / 7 for n in range(1, 2001)]

    def once() -> float:
        started = time.thread_time()
        for cost in costs:
            price_from(cost, terms, group_percent=Decimal(-5))
        return (time.thread_time() - started) / len(costs)

    # Time of this thread, and the best of several: a busy machine slows a run and never speeds it up.
    assert min(once() for _ in range(5)) < 50e-6
