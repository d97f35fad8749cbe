"""What providers say about refills in the words of a name or a description."""

from decimal import Decimal

import pytest

from catalog.refill_terms import RefillTerms, refill_terms
from catalog.sync.reading import listed_service
from upstream.messages import ServiceListRow


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("Instagram Followers [ Max 500K ] [ R30 ] [ Start 0-1 h ]", 30),
        ("🔥 Instagram Followers | ♻️ 30 Days Refill | ⚡ Instant 🔥", 30),
        ("IG Followers 365 days auto refill", 365),
        ("Instagram Followers · 30-day refill", 30),
        ("Followers [ Refill 60 days ]", 60),
        ("Followers [Refill: 90D]", 90),
        ("Followers R30 / 60 days refill", 60),
        ("Followers [R30] lifetime refill", 0),
        ("Followers | Refill", 0),
        ("Followers No Refill", 0),
        ("SR30 speed, PR2 links, 2R30", 0),
        ("Followers 9999 days refill", 0),
        ("Views 1.30 days refill", 0),
    ],
)
def test_days_in_a_name(name: str, days: int) -> None:
    assert refill_terms(name, "").days == days


def test_the_name_goes_before_the_description() -> None:
    assert refill_terms("Followers", "<b>Refill</b>: 30 days").days == 30
    assert refill_terms("Followers R60", "Refill: 30 days").days == 60


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Refill button opens after 24 hours", 24),
        ("The refill can be requested only after 12h.", 12),
        ("No refill available after 24 hours", 0),
        ("Refill is not possible after 24 hours", 0),
        ("Refill within 24 hours", 0),
    ],
)
def test_the_opening_delay(text: str, hours: int) -> None:
    assert refill_terms("Followers", text) == RefillTerms(0, hours)


@pytest.mark.parametrize(("refill", "days"), [(True, 30), (False, 0)])
def test_a_list_is_read_with_its_terms(refill: bool, days: int) -> None:
    row = ServiceListRow(
        external_id="1", name="Followers R30", type="default", raw_type="Default", category="Instagram",
        rate=Decimal(1), min=1, max=10, description="Refill opens after 24 hours", refill=refill, cancel=False,
        dripfeed=False, average_time=None, quarantine=(), raw="{}",
    )  # fmt: skip
    stored = listed_service(row, 0, "")
    assert (stored.refill_days, stored.refill_opens_hours) == (days, 24 if refill else 0)
