"""Stored secrets are sealed under a key of its own, which can be replaced without losing one."""

import re
import secrets
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import CharField, JSONField, TextField

from accounts.models import User
from billing.models import PaymentMethod
from catalog.models import Provider
from core.clock import database_now
from core.models import StaffAction
from core.secrets import SecretUnreadable, key_warnings, seal, unseal
from notices.models import Outbox
from notices.outbox import queue_mail
from storefront import sealed_columns
from storefront.sealed_columns import SEALED_COLUMNS, SealedColumn, reseal
from tests.ops.test_environment import read_settings
from tests.ops.tools import ROOT

pytestmark = pytest.mark.django_db

OLD, NEW = "short", "Zq3vX2mB9kLsT4wZ8nRcY1hJ6fDgU3aEoViKxWtQbSyM0zNl5CpHrGj"
KEY = "the-providers-own-key-0123456789"


@pytest.mark.parametrize(
    "weak",
    [
        "a",
        "correct horse battery staple",
        "0123456789abcdef0123456789abcdef",
        "x" * 42,
        "0" * 63,
    ],
)
@pytest.mark.parametrize("name", ["SECRET_KEY", "SEALING_KEY"])
def test_a_weak_key_stops_the_start_and_is_not_shown(name: str, weak: str) -> None:
    complaint = read_settings({name: weak})
    [line] = [line for line in complaint.splitlines() if name in line]
    assert "openssl rand -base64 48" in line
    assert weak not in complaint or weak == "a"


@pytest.mark.parametrize("key", ["hush" * 20, "a1b2c3d4e5f6g7h8i9j0" * 3, "0" * 64, "x" * 63 + "y"])
def test_a_key_that_is_long_but_not_random_is_named_by_the_audit(settings: Any, key: str) -> None:
    settings.SECRET_KEY, settings.SEALING_KEY = key, secrets.token_urlsafe(48)
    [warning] = key_warnings()
    assert warning.startswith("SECRET_KEY is long, but not random")
    assert key not in warning


@pytest.fixture
def old_shop(settings: Any) -> Provider:
    """A shop that has sealed a secret of each kind under a weak SECRET_KEY, and was then given good keys."""
    new, settings.SECRET_KEY, settings.SEALING_KEY = settings.SECRET_KEY, OLD, ""
    user = User.objects.create_user("alice@example.com", "correct horse battery")
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(user)
    provider = Provider(name="Gulf", url="https://gulf.example/api/v2")
    provider.set_key(KEY)
    provider.save()
    method = PaymentMethod(gateway="demo", name="Demo", currency="USD")
    method.set_secrets({"signing_key": KEY})
    method.save()
    queue_mail(
        key="code", to="alice@example.com", template="account/email/email_confirmation", data={},
        language="en", now=database_now(), secret={"code": "123456"},
    )  # fmt: skip
    settings.SECRET_KEY, settings.SEALING_KEY, settings.SEALING_KEY_FALLBACKS = new, NEW, [OLD]
    return provider


def run() -> str:
    out = StringIO()
    call_command("reseal_secrets", stdout=out)
    return out.getvalue()


def test_secrets_stay_readable_and_are_sealed_anew_under_the_new_key(old_shop: Provider, settings: Any) -> None:
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes()
    assert unseal(old_shop.sealed_key) == KEY
    printed = run()
    assert "SEALING_KEY_FALLBACKS may go" in printed
    settings.SEALING_KEY_FALLBACKS, settings.SECRET_KEY = [], "anything"
    assert unseal(Provider.objects.get().sealed_key) == KEY
    assert decrypt(Authenticator.objects.get(type="totp").data["secret"]) == "JBSWY3DPEHPK3PXP"
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes() == codes
    assert "123456" in unseal(Outbox.objects.get().sealed)
    assert not [secret for secret in (KEY, NEW, OLD + "\n", "JBSWY3DPEHPK3PXP", *codes) if secret in printed]
    assert "0 sealed anew" in run().splitlines()[0]
    assert StaffAction.objects.filter(action="secrets.reseal").count() == 1


def test_what_somebody_writes_meanwhile_stays(old_shop: Provider) -> None:
    other = seal("a newer key")

    def meanwhile(value: str) -> str:
        Provider.objects.update(sealed_key=other)
        return sealed_columns.sealed_anew(value)

    result = reseal(SealedColumn(Provider, "sealed_key", meanwhile))
    assert (result.busy, result.changed) == (1, 0)
    assert Provider.objects.get().sealed_key == other


def test_a_secret_that_no_key_opens_is_named_and_no_key_may_go(old_shop: Provider, settings: Any) -> None:
    Provider.objects.create(name="Lost", url="https://lost.example", sealed_key="gAAAA-nonsense")
    lost = Provider.objects.get(name="Lost").pk
    with pytest.raises(CommandError, match=rf"catalog_provider.sealed_key of row {lost} \(1 in all\)"):
        run()
    # The others are sealed anew all the same.
    settings.SEALING_KEY_FALLBACKS = []
    assert unseal(Provider.objects.get(name="Gulf").sealed_key) == KEY


def test_a_shop_without_a_sealing_key_still_reads_what_an_older_key_sealed(old_shop: Provider, settings: Any) -> None:
    settings.SEALING_KEY = ""
    assert unseal(old_shop.sealed_key) == KEY
    assert "SECRET_KEY_FALLBACKS is still needed" in run()
    settings.SEALING_KEY_FALLBACKS = []
    assert unseal(Provider.objects.get().sealed_key) == KEY


def test_every_column_with_a_sealed_secret_is_listed(old_shop: Provider) -> None:
    listed = {(sealed.model, sealed.column) for sealed in SEALED_COLUMNS}
    found = set()
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, CharField | TextField | JSONField):
                values = model._default_manager.values_list(field.attname, flat=True)
                if any(_is_sealed(word) for value in values for word in re.findall(r"[\w=-]{60,}", str(value))):
                    found.add((model, field.attname))
    assert found == listed


def _is_sealed(word: str) -> bool:
    try:
        unseal(word)
    except SecretUnreadable:
        return False
    return True


def test_only_modules_whose_columns_are_listed_seal() -> None:
    rooms = ("accounts", "api", "billing", "catalog", "core", "notices", "orders", "pages", "storefront", "support")
    users = {
        str(path.relative_to(ROOT))
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"from core\.secrets import .*\bseal\b", path.read_text())
    }
    # What is shown once waits in a session for minutes, so nothing of it is sealed anew.
    columns = {"accounts/adapter.py", "billing/models/methods.py", "catalog/models/provider.py", "notices/outbox.py"}
    assert users == {*columns, "core/shown_once.py"}
