"""Mails are written in the language of who gets them."""

import re
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from accounts.models import User
from core.models import ShopSettings
from notices.models import Outbox
from tests.languages.test_every_text import Page, bare
from tests.mails import sent_mails

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def shop(db: None) -> None:
    cache.clear()
    ShopSettings.objects.update(languages=["es", "ar"])


def with_account(email: str, language: str) -> User:
    user = User.objects.create_user(email, PASSWORD, language=language)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def test_code_of_a_sign_up_comes_in_the_language_of_its_page(client: Client, brackets: None) -> None:
    client.post("/es/accounts/signup/", {"email": "new@example.com", "password1": PASSWORD})
    assert User.objects.get(email="new@example.com").language == "es"
    [mail] = sent_mails()
    assert mail.body.startswith("⟦")
    assert mail.extra_headers["Content-Language"] == "es"


@pytest.mark.parametrize(
    ("language", "page", "expected"),
    [
        ("ar", "/es/accounts/password/reset/", "ar"),  # the account's goes first
        ("", "/es/accounts/password/reset/", "es"),  # never chosen: that of the page
        ("", "/accounts/password/reset/", "en"),
    ],
)
def test_link_to_a_new_password_comes_in_the_language_of_the_account(
    client: Client, language: str, page: str, expected: str
) -> None:
    with_account("alice@example.com", language)
    client.post(page, {"email": "alice@example.com"})
    assert Outbox.objects.get().language == expected


def test_mail_to_an_address_without_an_account_is_in_the_language_of_the_page(client: Client) -> None:
    client.post("/ar/accounts/password/reset/", {"email": "nobody@example.com"})
    assert Outbox.objects.get().language == "ar"


def test_language_that_is_no_longer_offered_gives_way_to_the_default_one(client: Client) -> None:
    with_account("alice@example.com", "ar")
    ShopSettings.objects.update(languages=["es"])
    client.post("/es/accounts/password/reset/", {"email": "alice@example.com"})
    assert Outbox.objects.get().language == "en"


def test_links_of_a_mail_lead_to_pages_in_its_language(client: Client) -> None:
    with_account("alice@example.com", "")
    client.post("/es/accounts/password/reset/", {"email": "alice@example.com"})
    [mail] = sent_mails()
    assert f"{settings.SHOP_URL}/es/accounts/password/reset/key/" in mail.body


#: Mails of the owner.
OWNERS = ("notices/email/",)


def test_every_text_of_every_mail_is_in_the_catalogs(brackets: None) -> None:
    folder = Path(settings.BASE_DIR) / "templates"
    names = [str(path.relative_to(folder)) for path in folder.rglob("*.txt")]
    found = []
    for name in names:
        if not name.startswith(OWNERS) and "/base_" not in name:
            with translation.override("es"):
                page = Page()
                page.feed(render_to_string(name, {"shop": ShopSettings(name="Permille"), "user": User(email="1@2.34")}))
            found += [f"{name}: {text}" for text in page.found if bare(re.sub(r"/\S+/", "", text))]
    assert len(names) > 50
    assert found == []
