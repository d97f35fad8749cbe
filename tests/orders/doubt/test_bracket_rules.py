"""Single rules of the bracket, each on the smallest picture that shows it. No database."""

from dataclasses import replace
from decimal import Decimal

import pytest

from orders.doubt import bracket, planning
from orders.doubt.decimals import shown_decimals
from orders.doubt.picture import (
    AskOwner,
    Contradiction,
    FirstAnswer,
    Parent,
    Picture,
    PriceReading,
    ProvenNotPlaced,
    ProvenPlaced,
    SearchPass,
    SeenId,
    Standing,
    UncertainAttempt,
    Wait,
)
from orders.states import Explanation, Shape

LOW, HIGH, PRICE = 100, 900, Decimal("0.63")
DOUBT = UncertainAttempt(1, Standing.IN_DOUBT, 1000.0, LOW, HIGH, PRICE, 700)
TWICE = (SearchPass(1, 1700.0, 1710.0, ((LOW, HIGH),)), SearchPass(2, 1800.0, 1810.0, ((LOW, HIGH),)))


def own(number: int = 500, charge: str | None = "0.63", state: str = "in_progress", **more: object) -> SeenId:
    answer = FirstAnswer(state, None if charge is None else Decimal(charge))
    return replace(SeenId(number, 1100.0, answer), **more)  # type: ignore[arg-type]


def certain(attempt: UncertainAttempt) -> UncertainAttempt:
    """With a rate read since, and unchanged."""
    return replace(attempt, readings=(PriceReading(1200.0, attempt.expected),))


def picture(*ids: SeenId, attempts: tuple[UncertainAttempt, ...] = (DOUBT,), **more: object) -> Picture:
    usual = Picture(1900.0, Decimal("0.01"), ids, attempts, passes=TWICE)
    return replace(usual, **more)  # type: ignore[arg-type]


def test_an_id_that_only_this_attempt_can_own_is_its() -> None:
    assert bracket.judge(picture(own())) == [ProvenPlaced(1, 500)]


def test_an_empty_bracket_searched_twice_means_not_placed() -> None:
    [verdict] = bracket.judge(picture())
    assert isinstance(verdict, ProvenNotPlaced)
    assert (verdict.first.key, verdict.second.key) == (1, 2)


@pytest.mark.parametrize(
    "passes",
    [
        TWICE[:1],
        (SearchPass(1, 1500.0, 1510.0, ((LOW, HIGH),)), TWICE[1]),  # before T_settle
        (TWICE[0], SearchPass(2, 1730.0, 1740.0, ((LOW, HIGH),))),  # too soon after the first
        (TWICE[0], SearchPass(2, 1800.0, 1810.0, ((LOW, 800),))),  # not the whole bracket
        (TWICE[0], SearchPass(2, 1800.0, 1810.0, ((LOW, HIGH),), frozenset([555]))),  # the second saw something new
    ],
)
def test_less_than_two_full_searches_prove_nothing(passes: tuple[SearchPass, ...]) -> None:
    assert bracket.judge(picture(passes=passes)) == [Wait(1, "not_searched")]


@pytest.mark.parametrize("state", ["partial", "canceled", "refunded", "failed"])
def test_a_state_that_changed_the_charge_matches_nothing_and_blocks(state: str) -> None:
    assert bracket.judge(picture(own(state=state))) == [Wait(1, "ambiguous")]


@pytest.mark.parametrize("charge", ["0", None])
def test_an_unknown_charge_matches_nothing_and_blocks(charge: str | None) -> None:
    assert bracket.judge(picture(own(charge=charge))) == [Wait(1, "charge_untold")]


def test_a_charge_that_nobody_expects_blocks() -> None:
    """The price may have moved, for all we know."""
    assert bracket.judge(picture(own(charge="0.77"), attempts=(certain(DOUBT),))) == [Wait(1, "ambiguous")]


def test_a_charge_that_somebody_else_can_own_does_not_block() -> None:
    other = certain(replace(DOUBT, key=2, standing=Standing.SENDING, expected=Decimal("0.77")))
    verdicts = bracket.judge(picture(own(charge="0.77"), attempts=(certain(DOUBT), other)))
    assert [type(v) for v in verdicts] == [ProvenNotPlaced]
    assert verdicts[0].excused == (500,)  # type: ignore[union-attr]


def test_a_charge_that_another_one_explains_only_by_a_price_that_moved_blocks() -> None:
    """The list says 0.63 before and after, but 0.66 was charged: the other one's price says nothing about that."""
    moved = replace(DOUBT, key=2, expected=Decimal("0.20"), readings=(PriceReading(1200.0, Decimal("0.21")),))
    ids = (own(charge="0.66"), own(600, "0.21"))
    verdicts = bracket.judge(picture(*ids, attempts=(certain(DOUBT), moved)))
    assert not any(isinstance(v, ProvenNotPlaced) for v in verdicts)


@pytest.mark.parametrize("standing", list(Standing))
def test_two_possible_owners_end_in_no_verdict(standing: Standing) -> None:
    other = replace(DOUBT, key=2, standing=standing)
    verdicts = bracket.judge(picture(own(), attempts=(DOUBT, other)))
    assert not any(isinstance(v, ProvenPlaced | ProvenNotPlaced) for v in verdicts)


def test_an_attempt_sent_after_the_id_was_seen_cannot_own_it() -> None:
    later = replace(DOUBT, key=2, sent_at=1101.0)
    assert bracket.judge(picture(own(), attempts=(DOUBT, later)))[0] == ProvenPlaced(1, 500)


def test_a_verdict_takes_an_owner_away_and_decides_the_next() -> None:
    late = replace(DOUBT, key=2, sent_at=1150.0, low=500)
    ids = (own(500), own(600, first_seen=1200.0))
    assert bracket.judge(picture(*ids, attempts=(DOUBT, late))) == [ProvenPlaced(1, 500), ProvenPlaced(2, 600)]


def test_a_rate_that_moved_lets_any_charge_fit_but_not_win() -> None:
    moved = replace(DOUBT, readings=(PriceReading(1200.0, Decimal("0.70")),))
    assert bracket.judge(picture(own(charge="0.70"), attempts=(moved,))) == [ProvenPlaced(1, 500)]
    assert bracket.judge(picture(own(charge="0.99"), attempts=(moved,))) == [Wait(1, "ambiguous")]


def test_more_left_than_was_ordered_is_no_match() -> None:
    assert bracket.judge(picture(own(answer=FirstAnswer("pending", PRICE, remains=701)))) == [Wait(1, "ambiguous")]


def test_an_orphan_stays_unexplained_and_a_foreign_order_does_not() -> None:
    seen = own(charge="0.77", explained=Explanation.ORPHAN)
    assert bracket.judge(picture(seen)) == [Wait(1, "ambiguous")]
    [verdict] = bracket.judge(picture(replace(seen, explained=Explanation.FOREIGN)))
    assert isinstance(verdict, ProvenNotPlaced)


def test_two_strays_in_a_day_stop_placed_verdicts() -> None:
    certainly = (certain(DOUBT),)
    strays = (own(300, "0.11"), own(400, "0.12"))
    assert bracket.judge(picture(own(), strays[0], attempts=certainly)) == [ProvenPlaced(1, 500)]
    assert bracket.judge(picture(own(), *strays, attempts=certainly)) == [Wait(1, "stopped")]
    next_day = picture(own(), *strays, attempts=certainly, now=1100.0 + 86_401)
    assert ProvenPlaced(1, 500) in bracket.judge(next_day)


def test_a_person_who_was_wrong_is_contradicted() -> None:
    said = replace(DOUBT, standing=Standing.SAID_NOT_PLACED)
    assert bracket.judge(picture(own(), attempts=(said,))) == [Contradiction(1, 500)]


def test_a_run_of_a_parent_in_doubt_matches_nothing_and_blocks_the_parent() -> None:
    drip = replace(DOUBT, key=7, shape=Shape.DRIP, runs=3, expected=Decimal("1.89"))
    parent = Parent(7, 1000.0, PRICE, PRICE)
    verdicts = bracket.judge(picture(own(), attempts=(drip,), parents=(parent,)))
    assert verdicts == [Wait(7, "ambiguous")]
    verdicts = bracket.judge(picture(own(), attempts=(DOUBT, drip), parents=(parent,)))
    assert not any(isinstance(v, ProvenPlaced) for v in verdicts)


def test_a_drip_feed_may_be_shown_as_one_plain_order() -> None:
    drip = certain(replace(DOUBT, key=7, shape=Shape.DRIP, runs=3))
    assert isinstance(bracket.judge(picture(own(), attempts=(drip,)))[0], ProvenPlaced)
    with_runs = replace(picture(own(), attempts=(drip,)), drip_shapes=frozenset({Shape.DRIP}))
    assert not isinstance(bracket.judge(with_runs)[0], ProvenPlaced)


def test_a_plain_id_at_another_price_is_not_excused_for_a_drip_feed_whose_price_moved() -> None:
    """Somebody else could own it, and so could the drip-feed: to call it not placed would buy it twice."""
    dear = replace(DOUBT, key=7, shape=Shape.DRIP, runs=3, expected=Decimal("5.00"))
    verdicts = bracket.judge(picture(own(), attempts=(DOUBT, dear)))
    assert not any(isinstance(v, ProvenNotPlaced) for v in verdicts)


def test_an_attached_parent_excuses_its_runs_until_it_omits_them() -> None:
    dear = certain(replace(DOUBT, expected=Decimal("5.00")))
    parent = Parent(7, 900.0, PRICE, PRICE, number=90, polled_at=1699.0)
    assert isinstance(bracket.judge(picture(own(), attempts=(dear,), parents=(parent,)))[0], ProvenNotPlaced)
    omitted = replace(parent, polled_at=1700.0)
    assert bracket.judge(picture(own(), attempts=(dear,), parents=(omitted,))) == [Wait(1, "ambiguous")]


def test_a_balance_that_fell_is_brought_before_the_owner() -> None:
    assert bracket.judge(picture(attempts=(replace(DOUBT, was_paid_for=True),))) == [AskOwner(1, "paid_for")]


def test_patience_ends() -> None:
    unknown = replace(DOUBT, high=None)
    assert bracket.judge(picture(attempts=(unknown,), now=3399.0)) == [Wait(1, "no_own_id_after")]
    assert bracket.judge(picture(attempts=(unknown,), now=3400.0)) == [AskOwner(1, "no_own_id_after")]
    wide = replace(DOUBT, high=LOW + 5000)
    assert bracket.judge(picture(attempts=(wide,), now=1600.0)) == [AskOwner(1, "too_wide")]


def test_looks_come_early_and_passes_late() -> None:
    fresh = replace(DOUBT, high=None)
    for now, wanted in ((1059.0, []), (1060.0, [(LOW, 400)]), (1180.0, [(LOW, 400)])):
        assert planning.wanted(picture(attempts=(fresh,), now=now, passes=()), 400) == wanted
    looked = (SearchPass(1, 1061.0, 1062.0, ((LOW, 300),)),)
    assert planning.wanted(picture(attempts=(fresh,), now=1100.0, passes=looked), 400) == []
    assert planning.wanted(picture(now=1601.0, passes=()), 950) == [(LOW, HIGH)]
    assert planning.wanted(picture(now=1740.0, passes=TWICE[:1]), 950) == []
    assert planning.wanted(picture(now=1790.0, passes=TWICE[:1]), 950) == [(LOW, HIGH)]
    assert planning.wanted(picture(now=1900.0), 950) == []


def test_ranges_are_joined_as_far_as_a_pass_reaches() -> None:
    assert planning.joined([(1, 10), (5, 20), (30, 40)], 100) == [(1, 20), (30, 40)]
    assert planning.joined([(1, 10), (5, 20)], 12) == [(1, 10), (5, 20)]


@pytest.mark.parametrize(
    ("charges", "decimals"),
    [
        ([], 2),
        ([("0.9", "0.9")], 2),
        ([("0.12345", "0.12345")], 5),
        ([("0.12", "0.12345"), ("0.12345", "0.12345")], 2),  # once cut, always suspect
        ([("0.95", "0.90"), ("0.63", "0.63")], 2),  # another price, which shows nothing
        ([("0.1234", "0.12349")], 4),
    ],
)
def test_decimals_are_learned_from_charges(charges: list[tuple[str, str]], decimals: int) -> None:
    assert shown_decimals((Decimal(a), Decimal(b)) for a, b in charges) == decimals


@pytest.mark.parametrize("standing", [Standing.IN_DOUBT, Standing.NAMED])
def test_an_id_without_a_charge_is_asked_again_while_a_doubt_waits_for_it(standing: Standing) -> None:
    """Half a minute after it was seen, and later at growing pauses; and only if the doubt may have placed it."""
    uncharged, doubt = own(charge="0"), replace(DOUBT, standing=standing)
    for now, asked_at, wanted in (
        (1129.0, None, []), (1130.0, None, [500]), (1300.0, 1220.0, [500]), (1279.0, 1220.0, []), (9000.0, 7801.0, []),
        (9001.0, 7801.0, [500]),
    ):  # fmt: skip
        asked = picture(replace(uncharged, asked_at=asked_at), attempts=(doubt,), now=now)
        assert planning.to_ask_again(asked) == wanted
    late = replace(doubt, sent_at=1101.0)
    for nothing in (
        picture(own()),
        picture(own(charge="0", state="canceled")),
        picture(own(charge=None, explained=Explanation.FOREIGN)),
        picture(uncharged, attempts=()),
        picture(uncharged, attempts=(late,)),
        picture(replace(uncharged, number=HIGH), attempts=(doubt,)),
    ):
        assert planning.to_ask_again(replace(nothing, now=9001.0)) == []


@pytest.mark.parametrize("state", ["pending", "in_progress"])
def test_what_is_left_of_a_package_rules_nothing_out(state: str) -> None:
    """A package counts as one, and its provider may say that a thousand of it are left."""
    package = replace(DOUBT, key=1, quantity=1, expected=Decimal(5))
    thousand = replace(DOUBT, key=2, quantity=1000, expected=Decimal("0.9"), sent_at=DOUBT.sent_at + 1)
    own = SeenId(500, DOUBT.sent_at + 100, FirstAnswer(state, None, remains=1000))
    found = bracket.judge(picture(own, attempts=(package, thousand), remains_are_reliable=True))
    assert not [verdict for verdict in found if isinstance(verdict, (ProvenPlaced, ProvenNotPlaced))]
