"""What the owner says about the shop, and when it opens."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from core.models import ShopSettings, StaffAction
from storefront import currency_lock
from tests.billing import cast

pytestmark = pytest.mark.django_db
PAGE = "/admin/core/shopsettings/1/change/"
SIGN_UP = {"email": "new@example.com", "password1": "correct horse battery"}


def test_the_name_and_the_headline_change_at_once(admin: Client, owner: User) -> None:
    given = {"name": "Corner <shop>", "headline": "Cheap & quick", "contact_email": "", "sender_name": ""}
    admin.post(PAGE, given | {"signup_is_open": "on", "signups_per_hour": "100"})
    html = Client().get(reverse("catalog:prices")).content.decode()
    assert "Corner &lt;shop&gt;" in html
    assert "Cheap &amp; quick" in html
    row = StaffAction.objects.get(action="shopsettings.change")
    assert (row.actor, row.after["name"], row.after["headline"]) == (
        f"staff:{owner.pk}",
        given["name"],
        given["headline"],
    )


def test_what_the_environment_says_is_shown_and_no_secret_is(admin: Client, settings: Any) -> None:
    html = admin.get(PAGE).content.decode()
    assert "FORWARD_DEADLINE_SECONDS" in html
    assert settings.SECRET_KEY not in html
    assert admin.get(reverse("admin:core_shopsettings_changelist")).url == PAGE  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"opened_at": None}, "This shop has not opened yet."),
        ({"signup_is_open": False}, "This shop takes no new customers at the moment."),
        ({"signups_per_hour": 2}, "Many people are signing up just now."),
    ],
)
def test_nobody_signs_up_while_the_owner_does_not_want_it(values: dict[str, Any], sentence: str) -> None:
    for number in range(2):
        person = cast.customer(f"customer{number}@example.com")
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    ShopSettings.objects.update(**values)
    response = Client().post(reverse("account_signup"), SIGN_UP)
    assert sentence in response.content.decode()
    assert not User.objects.filter(email=SIGN_UP["email"]).exists()
    ShopSettings.objects.update(opened_at=timezone.now(), signup_is_open=True, signups_per_hour=0)
    assert Client().post(reverse("account_signup"), SIGN_UP).status_code == 302
    assert User.objects.filter(email=SIGN_UP["email"]).exists()


def test_a_shop_opens_once_with_mail_and_a_second_factor(admin: Client, owner: User, settings: Any) -> None:
    ShopSettings.objects.update(opened_at=None)
    Authenticator.objects.all().delete()
    address = reverse("admin:core_shopsettings_open")
    settings.MAIL_IS_SET_UP = False
    assert "cannot send mail yet" in admin.post(address, follow=True).content.decode()
    settings.MAIL_IS_SET_UP = True
    assert "Add a second step" in admin.post(address, follow=True).content.decode()
    assert ShopSettings.objects.get().opened_at is None
    EmailAddress.objects.get_or_create(user=owner, email=owner.email, verified=True, primary=True)
    TOTP.activate(owner, generate_totp_secret())
    admin.post(address)
    opened = ShopSettings.objects.get().opened_at
    assert opened is not None
    admin.post(address)
    assert ShopSettings.objects.get().opened_at == opened
    assert StaffAction.objects.filter(action="shop.open").count() == 1


def test_the_currency_is_fixed_by_the_first_transfer(settings: Any) -> None:
    settings.SHOP_CURRENCY = "EUR"
    currency_lock.demand_same_currency()
    assert ShopSettings.objects.get().currency == "EUR"
    cast.customer()  # with money
    currency_lock.demand_same_currency()
    settings.SHOP_CURRENCY = "USD"
    with pytest.raises(SystemExit, match="the books are in EUR"):
        currency_lock.demand_same_currency()
