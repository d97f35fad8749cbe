"""The owner's texts in other languages: services, categories and pages, found by the search, with the original else."""

import re
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from catalog.models import OrderRules, Service
from core.models import LONGEST_TEXT, OwnerText, ShopSettings, StaffAction
from core.owner_texts import set_texts
from core.shop_settings import shop_settings
from pages.models import OwnPage
from pages.starting_texts import first_values
from tests.pages.cast import stock
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(db: None) -> Service:
    ShopSettings.objects.update(languages=["es", "ar"])
    services = stock()
    texts = {("name", "es"): "Seguidores de prueba", ("description", "es"): "<p>Descripción propia</p>"}
    set_texts(services[0], texts)
    set_texts(services[0].category, {("name", "es"): "Categoría propia"})
    return services[0]


def html_of(path: str) -> str:
    return Client().get(path).content.decode()


def test_list_and_pages_show_the_texts_of_their_language_and_the_original_in_others(service: Service) -> None:
    path = f"/services/{service.pk}/"
    spanish = Client().get(f"/es{path}", follow=True)
    assert "Seguidores de prueba" in spanish.content.decode()
    assert "Descripción propia" in spanish.content.decode()
    assert "Categoría propia" in spanish.content.decode()
    assert "<title>Seguidores de prueba" in spanish.content.decode()
    for other in (path, f"/ar{path}"):
        html = Client().get(other, follow=True).content.decode()
        assert service.name in html
        assert "Seguidores de prueba" not in html
    listed = html_of("/es/")
    assert "Seguidores de prueba" in listed
    assert "Categoría propia" in listed
    assert "Seguidores" not in html_of("/")


def test_the_order_form_shows_rules_times_and_descriptions_of_its_language(service: Service) -> None:
    rules = OrderRules.objects.create(text="Keep it **public**.")
    set_texts(rules, {("text", "es"): "Que sea **público**."})
    Service.objects.filter(pk=service.pk).update(own_time="about a day", description="")
    set_texts(service, {("own_time", "es"): "más o menos un día"})
    for path, rule, time, has_description in (
        (f"/es/order/?service={service.pk}", "<strong>público</strong>", "más o menos un día", True),
        (f"/order/?service={service.pk}", "<strong>public</strong>", "about a day", False),
    ):
        html = html_of(path)
        assert rule in html
        assert time in html
        assert ("Descripción propia" in html) == has_description
    assert "Descripción propia" in Client().get(f"/es/services/{service.pk}/", follow=True).content.decode()
    owner = sign_in_staff(User.objects.create_superuser("owner@example.com", "owner-password"))
    page = reverse("admin:catalog_orderrules_languages", args=[rules.pk])
    assert page in owner.get(reverse("admin:catalog_orderrules_change", args=[rules.pk])).content.decode()
    assert "público" in owner.get(page).content.decode()


def test_addresses_are_made_of_the_original_names(service: Service) -> None:
    spanish = Client().get(f"/es/services/{service.pk}/", follow=True).redirect_chain[-1][0]  # type: ignore[attr-defined]
    english = Client().get(f"/services/{service.pk}/", follow=True).redirect_chain[-1][0]  # type: ignore[attr-defined]
    assert spanish == f"/es{english}"


def test_search_finds_a_service_by_its_name_in_either_language(service: Service) -> None:
    assert "<mark>Seguidores</mark> de <mark>prueba</mark>" in html_of("/es/?q=seguidores+prueba")
    assert "Seguidores de prueba" in html_of(f"/es/?q=%23{service.pk}")
    assert "Seguidores de prueba" in html_of(f"/es/?q={service.name.split()[-1]}")


def test_a_changed_text_is_shown_at_once(service: Service) -> None:
    assert "Seguidores de prueba" in html_of("/es/")
    set_texts(service, {("name", "es"): "Otro nombre"})
    assert "Otro nombre" in html_of("/es/?q=otro")
    set_texts(service, {("name", "es"): ""})
    assert service.name in html_of("/es/")


def test_texts_cost_the_default_language_no_query_and_others_one_each(service: Service) -> None:
    def queries(path: str) -> list[str]:
        Client().get(path)
        with CaptureQueriesContext(connection) as caught:
            Client().get(path)
        sql = [query["sql"] for query in caught]
        return [each for each in sql if "core_ownertext" in each and "catalog_factsstate" not in each]

    assert queries("/") == []
    assert len(queries("/es/")) <= 2  # the rows of the list, and the menu


def test_own_page_and_its_link_are_in_the_language_of_the_page(service: Service) -> None:
    page = OwnPage.objects.create(title="Questions", slug="faq", body="Ask **us**", is_published=True)
    set_texts(page, {("title", "es"): "Preguntas", ("body", "es"): "Pregunte **ya**"})
    html = html_of("/es/pages/faq/")
    assert "<strong>ya</strong>" in html
    assert '/es/pages/faq/"><bdi>Preguntas</bdi>' in html
    assert re.search(r'aria-current="page">\s*<bdi>Preguntas</bdi>', html.partition("aside-nav")[2])
    assert "Ask <strong>us</strong>" in html_of("/ar/pages/faq/")


def test_owner_writes_texts_beside_the_object(service: Service) -> None:
    owner = sign_in_staff(User.objects.create_superuser("owner@example.com", "owner-password"))
    assert "1/2" not in owner.get(reverse("admin:catalog_service_change", args=[service.pk])).content.decode()
    page = reverse("admin:catalog_service_languages", args=[service.pk])
    assert page in owner.get(reverse("admin:catalog_service_change", args=[service.pk])).content.decode()
    given = {"name__es": "", "description__es": "<p>ok</p><script>x()</script>", "name__ar": "متابعون"}
    assert owner.post(page, given).status_code == 302
    kept = OwnerText.objects.filter(object_type="catalog.service").values_list("field", "language", "text")
    assert set(kept) == {("description", "es", "<p>ok</p>"), ("name", "ar", "متابعون")}
    row = StaffAction.objects.get(action="service.languages")
    assert row.before["name__es"] == "Seguidores de prueba"
    too_long = owner.post(page, {"name__es": "x" * 501})
    assert too_long.status_code == 200
    assert "x" * 501 in too_long.content.decode()


def test_staff_without_the_right_cannot_write_texts(service: Service) -> None:
    clerk = User.objects.create_user("clerk@example.com", "clerk-password", is_staff=True)
    page = reverse("admin:catalog_service_languages", args=[service.pk])
    assert sign_in_staff(clerk).post(page, {"name__es": "x"}).status_code == 403


@pytest.mark.parametrize("text", ["", "x" * (LONGEST_TEXT + 1)])
def test_database_refuses_an_empty_and_an_endless_text(db: Any, text: str) -> None:
    with pytest.raises(IntegrityError, match="owner_text_bounded"), transaction.atomic():
        OwnerText.objects.create(object_type="catalog.service", object_id=1, field="name", language="es", text=text)


def test_database_refuses_a_second_text_of_a_field(db: Any) -> None:
    key = {"object_type": "catalog.service", "object_id": 1, "field": "name", "language": "es"}
    OwnerText.objects.create(**key, text="a")
    with pytest.raises(IntegrityError, match="owner_text_once"), transaction.atomic():
        OwnerText.objects.create(**key, text="b")


def test_page_that_starts_from_a_text_of_ours_can_start_so_in_other_languages(service: Service) -> None:
    owner = sign_in_staff(User.objects.create_superuser("owner@example.com", "owner-password"))
    page = OwnPage.objects.create(title="Questions", slug="faq", body="Ask us", is_published=True)
    set_texts(page, {("title", "es"): "Título propio"})
    address = reverse("admin:pages_ownpage_languages", args=[page.pk])
    assert "?fill=1" in owner.get(address).content.decode()
    filled = owner.get(address, {"fill": "1"}).context["form"]
    assert filled["title__es"].value() == "Título propio"
    assert filled["body__es"].value() == first_values("faq", shop_settings(), "es")["body"]
    assert OwnerText.objects.count() == 4
    owner.post(address, {name: field.value() for name in filled.fields if (field := filled[name])})
    assert OwnerText.objects.get(object_type="pages.ownpage", field="body", language="es").text.startswith("##")


def test_headline_of_the_shop_has_its_language_too(service: Service) -> None:
    ShopSettings.objects.update(headline="Cheap and quick")
    set_texts(shop_settings(), {("headline", "es"): "Barato y rápido"})
    assert "Barato y rápido" in html_of("/es/")
    assert "Cheap and quick" in html_of("/ar/")
