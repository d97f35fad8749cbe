"""Long lists of the admin: counted up to a limit, in a query whose cost does not grow with the table."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from core import capped_count
from core.capped_count import CappedPaginator
from core.shop_admin import ShopModelAdmin
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Five people, in a shop that counts up to four rows."""
    monkeypatch.setattr(capped_count, "MOST_COUNTED", 4)
    return [User.objects.create_user(f"person{n}@example.com").pk for n in range(5)]


def test_it_counts_up_to_the_limit_and_says_that_there_are_more(people: list[int]) -> None:
    every, four = User.objects.order_by("pk"), User.objects.order_by("pk").filter(pk__in=people[:4])
    more, whole = CappedPaginator(every, 2), CappedPaginator(four, 2)
    assert (more.count, more.is_capped, more.num_pages) == (4, True, 2)
    assert (whole.count, whole.is_capped, whole.num_pages) == (4, False, 2)
    assert [person.pk for person in more.page(2)] == people[2:4]


def test_it_asks_the_database_for_no_more_than_that(people: list[int]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert CappedPaginator(User.objects.order_by("pk"), 2).is_capped
    assert [query["sql"].count("LIMIT 5") for query in asked] == [1]


def test_a_list_says_that_it_does_not_show_everything(people: list[int]) -> None:
    owner = User.objects.create_user("owner@example.com", is_staff=True, is_superuser=True)
    answer = sign_in_staff(owner).get("/admin/accounts/user/")
    assert "More than 4 people." in " ".join(answer.content.decode().split())


def test_no_list_counts_all_rows_or_looks_for_distinct_values() -> None:
    """The three ways in which Django's lists grow with their table; `auth.Group` and its like are a handful of rows."""
    for model, page in admin.site._registry.items():
        if not isinstance(page, ShopModelAdmin):
            continue
        assert issubclass(page.paginator, CappedPaginator), model
        assert not page.show_full_result_count, model
        assert not page.date_hierarchy, model
        for entry in page.list_filter:
            if isinstance(entry, str) and model._meta.app_label in ("billing", "orders"):
                field: Any = model._meta.get_field(entry)
                is_short = field.choices or field.is_relation or field.get_internal_type() in _SHORT
                assert is_short, f"{model.__name__}.{entry} is filtered by a DISTINCT over all rows"


_SHORT = ("BooleanField", "DateTimeField")
