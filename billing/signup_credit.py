"""The credit for new customers: once an address is confirmed, once for each person and network, within a budget."""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.password_limits import networks_of
from billing.ledger import Posting, own_account_id, post
from billing.models import Account, AccountKind, Code, MoneySettings, SignUpCredit
from core.clock import database_now
from core.frozen import shop_is_frozen
from notices.containment import contained

#: A customer who joined before that is not new, even if another address is confirmed.
_NEW = timedelta(days=8)
_DAY = timedelta(hours=24)
#: Mail services that take dots in a name for nothing.
_DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}


def person_of(email: str) -> str:
    """Return the digest of an address without what makes many addresses of one mailbox."""
    name, _at, host = email.strip().lower().rpartition("@")
    name = name.partition("+")[0]
    if host in _DOTLESS:
        name, host = name.replace(".", ""), _DOTLESS[host]
    return hashlib.sha256(f"{name}@{host}".encode()).hexdigest()


def give_signup_credit(*, customer: User, network: str, now: datetime) -> Decimal | None:
    """Give a new customer the credit that the owner set; return it, None if there is none for this one.

    ``network`` is an IPv4 /24 or IPv6 /64. A frozen shop gives none.
    """
    if customer.is_staff or now - customer.date_joined > _NEW or shop_is_frozen():
        return None
    with transaction.atomic():
        # 1. One at a time: the budget and "once" are read under the lock of the settings.
        terms = MoneySettings.objects.select_for_update().filter(pk=1, signup_credit__gt=0).first()
        wallet = Account.objects.filter(customer=customer).first()
        if terms is None or wallet is None:
            return None
        person, amount = person_of(customer.email), terms.signup_credit
        if SignUpCredit.objects.filter(Q(customer=customer) | Q(person=person) | Q(network=network)).exists():
            return None
        given = SignUpCredit.objects.filter(at__gt=now - _DAY).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
        if given + amount > terms.signup_budget:
            return None
        # 2. The row and its money.
        SignUpCredit.objects.create(customer=customer, person=person, network=network, amount=amount, at=now)
        reference = f"signup:{customer.pk}"
        memo = gettext_noop("Credit for new customers")
        source = own_account_id(AccountKind.BONUS)
        post([Posting(f"{reference}:bonus", Code.BONUS, source, wallet.pk, amount, reference, memo)])
    return amount


def on_confirmed(sender: Any, request: HttpRequest, email_address: Any, **_more: Any) -> None:
    """Give the credit when an address is confirmed. A failure here ends no sign-up."""
    with contained("giving credits to new customers"):
        give_signup_credit(customer=email_address.user, network=networks_of(request)[0], now=database_now())
