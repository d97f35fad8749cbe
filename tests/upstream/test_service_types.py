"""The table of service types, as order forms and the catalog use it."""

from __future__ import annotations

import pytest

from upstream.service_types import SERVICE_TYPES, SUBSCRIPTION_DELAYS, PricedBy, QuantitySource, service_type


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Default", "default"), (" PACKAGE ", "package"), ("Custom_comments", "custom_comments"),
        ("custom-comments-package", "custom_comments_package"), ("Custom Replies", "comment_replies"),
        ("SEO / keywords", "seo"), ("Mentions  User Followers", "mentions_user_followers"),
    ],
)  # fmt: skip
def test_spellings(raw: str, name: str) -> None:
    kind = service_type(raw)
    assert kind is not None
    assert kind.name == name


@pytest.mark.parametrize("raw", ["", "Special", "Custom Comment", "Boost Tier 3", "0"])
def test_unknown_types_have_no_form(raw: str) -> None:
    assert service_type(raw) is None


@pytest.mark.parametrize(
    ("name", "fields", "quantity"),
    [
        ("default", {"quantity": " 1000 "}, 1000),
        ("default", {"quantity": "1e3"}, None),
        ("package", {"link": "x"}, 1),
        ("custom_comments", {"comments": "nice\r\n\r\n  \ngreat\n"}, 2),
        ("custom_comments", {"comments": " \n"}, None),
        ("custom_comments_package", {"comments": "nice\ngreat"}, 1),
        ("mentions_custom_list", {"usernames": "alice\nbob\ncharlie"}, 3),
        ("subscriptions", {"min": "10", "max": "20"}, None),
    ],
)
def test_how_many_units_an_order_asks_for(name: str, fields: dict[str, str], quantity: int | None) -> None:
    kind = service_type(name)
    assert kind is not None
    assert kind.quantity_of(fields) == quantity


def test_the_table_is_consistent() -> None:
    names = [kind.name for kind in SERVICE_TYPES]
    assert len(set(names)) == len(names) == 17
    for kind in SERVICE_TYPES:
        assert service_type(kind.label) is kind
        assert ("quantity" in kind.required) == (kind.quantity_from is QuantitySource.FIELD)
        assert kind.allows_dripfeed == (kind.name in ("default", "web_traffic"))
        assert (kind.priced_by is PricedBy.PACKAGE) == kind.name.endswith("package")
    assert len(SUBSCRIPTION_DELAYS) == 22
