"""Limits of wrong passwords and codes: strict for strangers, and never so that strangers keep the owner out.

They are counted for each account from each network, for each account from everywhere, and for each network. A known
device (:mod:`accounts.known_devices`) has a count of its own and obeys no other.
"""

import ipaddress

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from allauth.core.internal.ratelimit import RateLimitUsage
from django.db.models import Q
from django.http import HttpRequest

from accounts.known_devices import device_of
from accounts.models import User

#: Wrong passwords, and wrong codes of the second factor, in so much time. What one network may try for an account is
#: far less than what all may, so that it takes several networks to keep an unknown device out.
RATES = {
    "device": "5/300s/key,20/1h/key",
    "account_from_network": "5/300s/key,20/1h/key",
    "account_from_wide_network": "40/1h/key",
    "account": "100/1h/key",
    "network": "20/1m/key",
    "wide_network": "60/1m/key",
    "device_code": "5/300s/key,20/1h/key",
    "code_from_network": "5/300s/key,20/1h/key",
    "code_from_wide_network": "40/1h/key",
    # Of a million codes, an attacker who has the password can try so many in a day.
    "code": "60/1h/key,200/1d/key",
}


def count_attempt(request: HttpRequest, *, email: str) -> RateLimitUsage | None:
    """Count one attempt with a password; return None if a limit refuses it, else what takes the count back."""
    return count_all(request, _counts(request, email), RATES)


def count_code(request: HttpRequest, account: User) -> RateLimitUsage | None:
    """Count one code of a second factor; return None if a limit refuses it, else what takes the count back."""
    return count_all(request, _code_counts(request, account), RATES)


def count_all(request: HttpRequest, counts: list[tuple[str, str]], rates: dict[str, str]) -> RateLimitUsage | None:
    """Add one to each of ``counts``, pairs of a name in ``rates`` and a key; return what takes that back.

    Return None, and add nothing, if one is full.
    """
    usage = RateLimitUsage(usage=[])
    for action, key in counts:
        counted = ratelimit.consume(request, app="accounts", action=action, config=rates, key=key)
        if counted is None:
            usage.rollback()
            return None
        usage.usage += counted.usage
    return usage


def forget_attempts(request: HttpRequest, *, email: str) -> None:
    """Clear the counts of the accounts with that address: its owner has chosen a new password by mail."""
    codes = [count for account in accounts_named(email) for count in _code_counts(request, account)]
    for action, key in _counts(request, email) + codes:
        if action.startswith(("account", "code")):
            ratelimit.clear(request, app="accounts", action=action, config=RATES, key=key)


def accounts_named(email: str) -> list[User]:
    """Return the accounts that somebody who typed ``email`` may have meant, by its verified address or another."""
    of_address = EmailAddress.objects.filter(email__iexact=email).values("user_id")
    return list(User.objects.filter(Q(email__iexact=email) | Q(pk__in=of_address)))


def _counts(request: HttpRequest, email: str) -> list[tuple[str, str]]:
    """The counts that one attempt belongs to, as pairs of a name in RATES and a key."""
    accounts = accounts_named(email)
    devices = {account.pk: device_of(request, account) for account in accounts}
    counts = [("device", device) for device in devices.values() if device]
    # By account and not as typed: one address can be spelled in many ways that Postgres finds equal.
    names = [f"id:{pk}" for pk, device in devices.items() if device is None]
    if not accounts:
        names = [f"email:{email.strip().lower()}"]
    if names:
        network, wide = networks_of(request)
        counts += [("account_from_network", f"{name} {network}") for name in names]
        counts += [("account_from_wide_network", f"{name} {wide}") for name in names]
        counts += [("network", network), ("wide_network", wide)]
        counts += [("account", name) for name in names]
    return counts


def _code_counts(request: HttpRequest, account: User) -> list[tuple[str, str]]:
    """The counts that one code belongs to, as in _counts."""
    if device := device_of(request, account):
        return [("device_code", device)]
    (network, wide), name = networks_of(request), f"id:{account.pk}"
    return [
        ("code_from_network", f"{name} {network}"),
        ("code_from_wide_network", f"{name} {wide}"),
        ("code", name),
    ]


def networks_of(request: HttpRequest) -> tuple[str, str]:
    """Return the client's network and a wider one: /24 and /16; with IPv6 /64, which is one customer, and /48.

    A free tunnel gives anybody a /48, which is 65,536 networks.
    """
    ip = ipaddress.ip_address(get_adapter().get_client_ip(request))
    ip = getattr(ip, "ipv4_mapped", None) or ip
    narrow, wide = (24, 16) if ip.version == 4 else (64, 48)
    return str(ipaddress.ip_network((ip, narrow), strict=False)), str(ipaddress.ip_network((ip, wide), strict=False))
