"""The terms: published one version after the other, accepted with the sign-up, asked for once after a sign-in."""

import hashlib
import re
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from accounts.models import User
from accounts.terms import DUE
from core.models import ShopSettings, StaffAction
from core.staff_actions import shell_actor
from pages.models import OwnPage, TermsAcceptance, TermsVersion
from pages.terms import SameTerms, publish_terms
from storefront.embedded.postgres import OWNER_ROLE
from tests.api.cast import key_for
from tests.mails import sent_mails
from tests.pages.cast import PASSWORD, customer
from tests.roles import as_role
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def terms() -> OwnPage:
    """A page of terms of which version 1 is in force."""
    page = OwnPage.objects.create(title="Terms", slug="terms", body="Be **kind**.", place="rules", is_terms=True)
    publish_terms(page, actor=shell_actor())
    return OwnPage.objects.get()


def publish_another(terms: OwnPage, body: str = "Be *very* kind.") -> TermsVersion:
    terms.body = body
    terms.save()
    return publish_terms(terms, actor=shell_actor())


def accepted() -> list[tuple[str, int]]:
    return list(TermsAcceptance.objects.order_by("id").values_list("customer__email", "version__number"))


def sign_in(client: Client, who: User) -> None:
    client.post("/accounts/login/", {"login": who.email, "password": PASSWORD})


def sign_up(client: Client, **fields: str) -> Any:
    """Sign bob up with the form as the page shows it, and type the code of the mail."""
    form = client.get("/accounts/signup/").content.decode()
    hidden = dict(re.findall(r'type="hidden" name="(terms)" value="(\d+)"', form))
    values = {"email": "bob@example.com", "password1": PASSWORD, **hidden, **fields}
    return client.post("/accounts/signup/", values)


def type_code(client: Client) -> Any:
    [code] = re.findall(r"^([A-Z0-9-]{6,9})$", sent_mails()[-1].body, re.MULTILINE)
    return client.post("/accounts/confirm-email/", {"code": code})


def test_a_version_keeps_the_text_that_was_published(terms: OwnPage, client: Client) -> None:
    version = TermsVersion.objects.get()
    assert (version.number, version.body, version.published_by) == (1, "Be **kind**.", "shell")
    assert version.digest == hashlib.sha256(b"Be **kind**.").hexdigest()
    assert StaffAction.objects.get(action="terms.publish").after["digest"] == version.digest
    terms.body = "A draft."
    terms.save()
    assert "Be <strong>kind</strong>." in client.get("/pages/terms/").content.decode()
    publish_another(terms)
    assert "Be <em>very</em> kind." in client.get("/pages/terms/").content.decode()
    old = client.get("/pages/terms/1/").content.decode()
    assert "Be <strong>kind</strong>." in old
    assert "no longer in force" in old
    assert client.get("/pages/terms/3/").status_code == 404
    with pytest.raises(SameTerms):
        publish_terms(terms, actor=shell_actor())


@pytest.mark.parametrize("table", ["pages_termsversion", "pages_termsacceptance"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id + 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_what_was_published_or_accepted(
    terms: OwnPage, table: str, statement: str
) -> None:
    TermsAcceptance.objects.create(customer=customer(), version=TermsVersion.objects.get())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or Postgres refuses to truncate for another reason
    with pytest.raises(IntegrityError, match="append-only"), as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


def test_without_published_terms_nothing_is_said_or_asked(client: Client, services: object) -> None:
    OwnPage.objects.create(title="Terms", slug="terms", body="A draft.", is_terms=True)
    assert "you accept" not in client.get("/accounts/signup/").content.decode()
    sign_up(client)
    assert type_code(client)["Location"] == "/"
    assert client.get("/").status_code == 200
    assert accepted() == []


def test_signing_up_accepts_the_terms_that_the_page_names(client: Client, terms: OwnPage, services: object) -> None:
    form = client.get("/accounts/signup/").content.decode()
    sentence = " ".join(re.sub("<[^>]*>", "", form.partition("By creating the account")[2]).split())
    version = TermsVersion.objects.get()
    assert sentence.startswith(f"you accept the terms of {version.published_at:%-d %B %Y}.")
    sign_up(client)
    # Until the address is verified the account may be anybody's, and may be deleted.
    assert accepted() == []
    type_code(client)
    assert accepted() == [("bob@example.com", 1)]
    assert TermsAcceptance.objects.get().address == "127.0.0.1"
    assert client.get("/").status_code == 200


def test_terms_that_changed_while_the_form_was_open_are_shown_first(client: Client, terms: OwnPage) -> None:
    publish_another(terms)
    answer = sign_up(client, terms="1")
    assert "Our terms have changed. Read the new ones" in answer.content.decode()
    assert not User.objects.exists()
    assert 'name="terms" value="2"' in answer.content.decode()


def test_a_second_sign_up_for_the_same_address_accepts_for_itself_alone(
    client: Client, terms: OwnPage, services: object, settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    sign_up(client)
    other = Client()
    sign_up(other)
    type_code(other)
    assert accepted() == [("bob@example.com", 1)]
    assert User.objects.count() == 1


def test_a_customer_is_asked_once_and_goes_on_to_the_page_they_wanted(
    client: Client, terms: OwnPage, services: object
) -> None:
    alice = customer()
    sign_in(client, alice)
    answer = client.get("/orders/?state=completed")
    assert answer["Location"] == "/account/terms/?next=%2Forders%2F%3Fstate%3Dcompleted"
    html = client.get(answer["Location"]).content.decode()
    assert "<h1" in html
    assert 'value="/orders/?state=completed"' in html
    answer = client.post("/account/terms/", {"terms": "1", "next": "/orders/?state=completed"})
    assert answer["Location"] == "/orders/?state=completed"
    assert client.get(answer["Location"]).status_code == 200
    client.post("/account/terms/", {"terms": "1"})
    client.logout()
    sign_in(client, alice)
    assert client.get("/orders/").status_code == 200
    assert accepted() == [(alice.email, 1)]


def test_a_new_version_is_asked_for_at_the_next_sign_in(client: Client, terms: OwnPage, services: object) -> None:
    alice = customer()
    sign_in(client, alice)
    client.post("/account/terms/", {"terms": "1"})
    publish_another(terms)
    assert client.get("/orders/").status_code == 200
    later = Client()
    sign_in(later, alice)
    assert later.get("/orders/").status_code == 302
    html = later.get("/account/terms/").content.decode()
    assert "Our terms have changed" in html
    assert "/pages/terms/1/" in html
    assert later.post("/account/terms/", {"terms": "1"}).status_code == 409
    assert later.post("/account/terms/", {"terms": "2"}).status_code == 302
    assert accepted() == [(alice.email, 1), (alice.email, 2)]


def test_terms_help_and_the_way_out_stay_open_and_a_form_that_is_sent_arrives(
    client: Client, terms: OwnPage, services: list[Any]
) -> None:
    alice = customer()
    sign_in(client, alice)
    assert DUE in client.session
    for path in ("/pages/terms/", "/pages/terms/1/", "/accounts/logout/", "/account/terms/", "/static/app.css"):
        assert client.get(path).status_code == 200, path
    ShopSettings.objects.update(languages=["es"])
    chosen = client.get("/language/es/?next=/account/terms/", follow=True)
    assert (chosen.redirect_chain, chosen.status_code) == ([("/es/account/terms/", 302)], 200)
    client.get("/language/en/?next=/")
    form = {"service": str(services[0].pk), "link": "https://instagram.com/a", "quantity": "100"}
    assert "charge" in client.post("/order/", form).content.decode()
    part = client.get("/orders/", headers={"HX-Request": "true"})
    assert part["HX-Redirect"] == "/account/terms/"
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 200


def test_what_was_accepted_elsewhere_or_withdrawn_is_not_asked_for(
    client: Client, terms: OwnPage, services: object
) -> None:
    alice, other = customer(), Client()
    sign_in(client, alice)
    sign_in(other, alice)
    client.post("/account/terms/", {"terms": "1"})
    assert other.get("/", follow=True).redirect_chain == [("/account/terms/?next=%2F", 302), ("/", 302)]
    third = Client()
    sign_in(third, customer("bob@example.com"))
    OwnPage.objects.update(is_published=False)
    assert third.get("/", follow=True).redirect_chain[-1] == ("/", 302)
    assert third.get("/pages/terms/").status_code == 404


def test_staff_are_not_asked_and_api_keys_go_on(client: Client, terms: OwnPage) -> None:
    alice, owner = customer(), User.objects.create_superuser("owner@example.com", PASSWORD)
    sign_in(client, owner)
    assert DUE not in client.session
    answer = client.post("/api/v2", {"key": key_for(alice), "action": "balance"})
    assert answer.json()["balance"]
    assert client.post("/account/terms/", {"terms": "1"}).status_code == 302
    assert accepted() == []


def test_the_owner_publishes_in_the_admin_after_a_look(client: Client) -> None:
    owner = User.objects.create_superuser("owner@example.com", PASSWORD)
    sign_in_staff(owner, client)
    fields = {
        "title": "Terms",
        "slug": "terms",
        "body": "Be kind.",
        "place": "rules",
        "position": "1",
        "is_terms": "on",
    }
    answer = client.post("/admin/pages/ownpage/add/", {**fields, "is_published": "on"})
    assert "Publish as a new version" in answer.content.decode()
    client.post("/admin/pages/ownpage/add/", fields)
    page = OwnPage.objects.get()
    address = f"/admin/pages/ownpage/{page.pk}/publish/"
    assert address in client.get(f"/admin/pages/ownpage/{page.pk}/change/").content.decode()
    assert "<p>Be kind.</p>" in client.get(address).content.decode()
    assert not TermsVersion.objects.exists()
    assert "Version 1 is published" in client.post(address, follow=True).content.decode()
    assert TermsVersion.objects.get().published_by == f"staff:{owner.pk}"
    assert "the text in force already" in client.post(address, follow=True).content.decode()
    for path in ("termsversion", f"termsversion/{TermsVersion.objects.get().pk}/change", "termsacceptance"):
        assert client.get(f"/admin/pages/{path}/").status_code == 200, path
    sign_in_staff(owner, unconfirmed := Client(), confirmed=False)
    assert "/accounts/" in unconfirmed.post(address)["Location"]
