"""Country, device and source of web traffic are chosen from a list on the form, in the API and in code alike."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from api.order_refusals import refusal_text
from catalog.models import ProviderService, Service
from catalog.shop.equivalents import NotEquivalent, check_equivalent
from core.clock import database_now
from orders.checkout.fields import BadFields
from orders.checkout.placement import place_order, quote
from tests.orders.cast import Shop, service_of
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db(transaction=True)

USUAL = {"country": "DE", "device": "1", "type_of_traffic": "3"}
OWN = {"device": {"7": "Tablet <b>", "8": "Watch"}, "country": {"TR-34": "Istanbul", "TR-06": "Ankara"}}


@pytest.fixture
def traffic(shop: Shop) -> Service:
    return service_of(shop.provider, "8", type="web_traffic", rate=Decimal("0.35"), name="Website visitors")


def fields(**changes: str) -> dict[str, str]:
    return {"link": "https://shop.example/page", "quantity": "1000", **USUAL, **changes}


def sent(service: Service, **changes: str) -> dict[str, str]:
    return dict(quote(service_id=service.pk, fields=fields(**changes), now=database_now()).fields.sent)


def refused(service: Service, **changes: str) -> dict[str, str]:
    with pytest.raises(BadFields) as refusal:
        sent(service, **changes)
    return {name: problem.message for name, problem in refusal.value.problems.items()}


@pytest.mark.parametrize("typed", ["DE", "de", "Germany", " germany "])
def test_a_country_is_sent_as_its_code(traffic: Service, typed: str) -> None:
    assert sent(traffic, country=typed)["country"] == "DE"


def test_other_words_for_a_country_are_understood(traffic: Service) -> None:
    assert [sent(traffic, country=c)["country"] for c in ("USA", "uk", "WW", "all countries")] == [
        "US",
        "GB",
        "WW",
        "WW",
    ]


def test_what_is_no_choice_is_refused_with_a_sentence(traffic: Service) -> None:
    assert refused(traffic, country="Narnia", device="9", type_of_traffic="7") == {
        "country": "Choose one from the list, such as WW, AF, AX.",
        "device": "Choose one of these: 1 (Computers), 2 (Phones with Android), 3 (Phones with iOS), "
        "4 (Phones of both kinds), 5 (Phones and computers).",
        "type_of_traffic": "Choose one of these: 1 (A search engine), 2 (Another page), 3 (Directly).",
    }


def test_the_api_refuses_with_the_same_sentence(traffic: Service) -> None:
    given = fields(device="9")
    with pytest.raises(BadFields) as refusal:
        quote(service_id=traffic.pk, fields=given, now=database_now())
    text = refusal_text(refusal.value, traffic.pk, given)
    assert text.startswith("A valid device is required: Choose one of these: 1 (Computers), 2 (Phones with Android),")


def test_the_source_says_which_field_it_needs(traffic: Service) -> None:
    assert refused(traffic, type_of_traffic="1") == {"google_keyword": "Please fill this in."}
    assert refused(traffic, type_of_traffic="2") == {"referring_url": "Please fill this in."}
    assert sent(traffic, type_of_traffic="1", google_keyword="shoes")["google_keyword"] == "shoes"


def test_the_providers_own_codes_replace_the_usual_ones(traffic: Service, alice: User) -> None:
    ProviderService.objects.filter(pk=traffic.source_id).update(codes=OWN)
    order = place_order(
        customer=alice, service_id=traffic.pk, fields=fields(country="ankara", device="8"), now=database_now()
    ).order
    assert (order.fields["country"], order.fields["device"]) == ("TR-06", "8")
    assert set(refused(traffic, device="1")) == {"country", "device"}
    codes = {"type_of_traffic": {"1": "Organic (Google)", "2": "Social"}}
    ProviderService.objects.filter(pk=traffic.source_id).update(codes=codes)
    assert set(refused(traffic, type_of_traffic="1")) == {"google_keyword"}
    assert sent(traffic, type_of_traffic="social")["type_of_traffic"] == "2"


def test_codes_that_change_between_two_orders_count_at_once(traffic: Service, alice: User) -> None:
    place_order(customer=alice, service_id=traffic.pk, fields=fields(), now=database_now())
    ProviderService.objects.filter(pk=traffic.source_id).update(codes=OWN)
    with pytest.raises(BadFields):
        place_order(customer=alice, service_id=traffic.pk, fields=fields(), now=database_now())


def test_the_form_offers_them_as_lists(traffic: Service, alice: User) -> None:
    client: Client = sign_in_customer(alice)
    html = client.get(f"/order/?service={traffic.pk}").content.decode()
    country = re.search(r"<select[^>]*name=\"country\".*?</select>", html, re.DOTALL)
    assert country is not None
    assert country[0].count("<option") == 251
    ProviderService.objects.filter(pk=traffic.source_id).update(codes=OWN)
    html = client.get(f"/order/?service={traffic.pk}").content.decode()
    assert '<option value="7">Tablet &lt;b&gt;</option>' in html


def test_a_row_with_other_codes_is_no_equivalent(shop: Shop, traffic: Service) -> None:
    other: Any = service_of(shop.provider, "9", type="web_traffic", name="Visits").source
    check_equivalent(traffic, other)
    other.codes = OWN
    with pytest.raises(NotEquivalent, match="names other codes"):
        check_equivalent(traffic, other)
