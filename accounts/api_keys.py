"""Keys to the reseller API: create, authenticate, revoke."""

import hashlib
import ipaddress
import secrets
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import ApiKey, Scope, StatusWords, User
from core.prepared import Part, read
from core.refusals import Refusal
from core.rows import loaded
from core.security_log import Event, log_security

#: 40 letters and digits are 238 random bits, and need no escaping however a client encodes its form.
LENGTH = 40
MAX_KEYS = 50
MAX_NETWORKS = 20
PREFIX_LENGTH = 8
_ALPHABET = string.ascii_letters + string.digits
_USE_RECORDED_EVERY = timedelta(minutes=1)


class BadKeyOptions(Refusal):
    """No key can be created with these options."""

    code = "bad_key_options"


@dataclass(frozen=True)
class NewKey:
    """``plain`` is not stored: the customer sees it once."""

    row: ApiKey
    plain: str


@dataclass(frozen=True)
class Caller:
    """The customer and the key of a call, and the database's time. ``extra`` holds what else was read with them.

    ``version`` is a hash of all that was read of key and customer.
    """

    customer: User
    key: ApiKey
    now: datetime
    version: str
    extra: Sequence[Any] = ()

    def may(self, scope: Scope) -> bool:
        return scope.value in self.key.scopes


def create_key(
    *,
    customer: User,
    name: str,
    scopes: Collection[str] = (Scope.READ.value, Scope.ORDER.value),
    networks: Collection[str] = (),
    status_words: str = StatusWords.PANEL.value,
    daily_limit: Decimal | None = None,
    now: datetime,
) -> NewKey:
    """Create a key. ``networks`` holds IPv4 or IPv6 addresses or networks.

    ``daily_limit`` is the most that its orders of a day may cost. Raises BadKeyOptions.
    """
    name = " ".join(name.split())[:60]
    if not name:
        raise BadKeyOptions(_("Give the key a name, so that you can tell your keys apart."))
    wanted = [scope.value for scope in Scope if scope.value in scopes]
    if not wanted:
        raise BadKeyOptions(_("Choose at least one permission."))
    if status_words not in StatusWords.values:
        raise BadKeyOptions(_("Choose one of the two ways to write the state of a subscription."))
    plain = "".join(secrets.choice(_ALPHABET) for _n in range(LENGTH))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=customer.pk)
        if ApiKey.objects.filter(customer=customer, revoked_at=None).count() >= MAX_KEYS:
            limit_reached = _("You have reached the limit of %(limit)d keys. Revoke one that you no longer use.")
            raise BadKeyOptions(limit_reached % {"limit": MAX_KEYS})
        row = ApiKey.objects.create(
            customer=customer,
            name=name,
            prefix=plain[:PREFIX_LENGTH],
            digest=digest_of(plain),
            scopes=wanted,
            networks=read_networks(networks),
            status_words=status_words,
            daily_limit=daily_limit,
            created_at=now,
        )
    return NewKey(row, plain)


def read_networks(words: Collection[str]) -> list[str]:
    """Return addresses and networks in canonical form. Raises BadKeyOptions for anything else."""
    if len(words) > MAX_NETWORKS:
        raise BadKeyOptions(_("Enter at most %(limit)d addresses.") % {"limit": MAX_NETWORKS})
    found = []
    for word in words:
        try:
            found.append(str(ipaddress.ip_network(word.strip(), strict=False)))
        except ValueError:
            raise BadKeyOptions(_("“%(word)s” is not an IP address or network.") % {"word": word[:50]}) from None
    return found


def revoke_key(*, customer: User, key_id: int, now: datetime) -> bool:
    """Revoke a key of this customer at once; return False if there is no such active key."""
    live = ApiKey.objects.filter(customer=customer, pk=key_id, revoked_at=None)
    return bool(live.update(revoked_at=now))


def change_status_words(*, customer: User, key_id: int, words: str) -> bool:
    """Answer this key in other words from now on; return False if there is no such active key or no such words."""
    if words not in StatusWords.values:
        return False
    return bool(ApiKey.objects.filter(customer=customer, pk=key_id, revoked_at=None).update(status_words=words))


def set_daily_limit(*, customer: User, key_id: int, limit: Decimal | None) -> bool:
    """Limit what this key may order in a day from now on, None for no limit; return False without such a key."""
    return bool(ApiKey.objects.filter(customer=customer, pk=key_id, revoked_at=None).update(daily_limit=limit))


def revoke_all_keys(*, customer: User, now: datetime) -> int:
    """Revoke every active key of this customer at once; return how many."""
    return ApiKey.objects.filter(customer=customer, revoked_at=None).update(revoked_at=now)


def keys_of(customer: User) -> list[ApiKey]:
    """The customer's active keys, newest first."""
    return list(ApiKey.objects.filter(customer=customer, revoked_at=None))


#: The customer's id, for another room's statement that is read together with the key.
CUSTOMER_ID = "customer.id"
_KEY_COLUMNS = ("id", "customer_id", "prefix", "scopes", "networks", "status_words", "last_used_at")
_CUSTOMER_COLUMNS = ("id", "email", "group_id")
_VERSION = """
    hash_record_extended(ROW(k.id, k.customer_id, k.digest, k.scopes, k.networks, k.status_words, k.revoked_at,
                             customer.is_active, customer.email, customer.group_id), 0)
"""
_FROM = "FROM accounts_apikey k JOIN accounts_user customer ON customer.id = k.customer_id"


def authenticate(plain: str, *, address: str, extra: Part | None = None) -> Caller | None:
    """Return the caller whose key this is; None if it is wrong, revoked, missing or not allowed from this address.

    Each case costs one hash and one index lookup, so that neither the answer nor its time tells them apart.
    ``extra`` is a statement of one row about the customer :data:`CUSTOMER_ID`, read in the same round trip.
    """
    values = {"digest": digest_of(plain), **(extra.values if extra else {})}
    rows = read(_statement(extra.sql if extra else ""), values)
    if not rows:
        return None
    now, version, found = rows[0][0], str(rows[0][1]), rows[0][2:]
    key = loaded(ApiKey, dict(zip(_KEY_COLUMNS, found, strict=False)))
    if not is_allowed_from(key, address):
        log_security(Event.API_KEY_REFUSED, actor=f"key:{key.prefix}", address=address)
        return None
    key.customer = loaded(User, dict(zip(_CUSTOMER_COLUMNS, found[len(_KEY_COLUMNS) :], strict=False)))
    if key.last_used_at is None or now - key.last_used_at >= _USE_RECORDED_EVERY:
        # Compared again in the statement, so that one of many simultaneous calls writes.
        ApiKey.objects.filter(pk=key.pk, last_used_at=key.last_used_at).update(last_used_at=now)
    return Caller(key.customer, key, now, version, found[len(_KEY_COLUMNS) + len(_CUSTOMER_COLUMNS) :])


def standing(caller: Caller) -> Part:
    """An SQL condition for acting on an earlier authentication.

    It holds while key and customer are active and unchanged, and the key's last use was recorded recently.
    """
    return Part(_STANDING, {"key_id": str(caller.key.pk), "key_version": caller.version})


#: As strict as :func:`authenticate`: revoking a key or deactivating its customer changes the version.
_STANDING = f"""
    EXISTS (
        SELECT {_FROM}
        WHERE k.id = %(key_id)s::bigint AND {_VERSION} = %(key_version)s::bigint AND k.revoked_at IS NULL
          AND customer.is_active
          AND k.last_used_at > statement_timestamp() - interval '{_USE_RECORDED_EVERY.total_seconds():.0f} seconds'
    )
"""  # noqa: S608 - constants of ours


@cache
def _statement(extra: str) -> str:
    columns = ", ".join([*(f"k.{name}" for name in _KEY_COLUMNS), *(f"customer.{name}" for name in _CUSTOMER_COLUMNS)])
    return f"""
        SELECT statement_timestamp(), {_VERSION}, {columns} {", extra.*" if extra else ""}
        {_FROM}
        {f"LEFT JOIN LATERAL ({extra}) AS extra ON true" if extra else ""}
        WHERE k.digest = %(digest)s::text AND k.revoked_at IS NULL AND customer.is_active
    """  # noqa: S608 - constants of ours


def digest_of(plain: str) -> str:
    """The hash of a key, as stored."""
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def is_allowed_from(key: ApiKey, address: str) -> bool:
    """True if the key may be used from this address."""
    if not key.networks:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    here = getattr(here, "ipv4_mapped", None) or here
    return any(here in ipaddress.ip_network(network) for network in key.networks)
