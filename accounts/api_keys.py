"""Keys to the reseller API: made and shown once, asked for on every call, revoked at once."""

import hashlib
import ipaddress
import secrets
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import ApiKey, Scope, User
from core.prepared import Part, read
from core.refusals import Refusal
from core.rows import loaded

#: 40 letters and digits are 238 random bits, and survive every way in which clients put together a form.
LENGTH = 40
MOST_KEYS = 50
MOST_NETWORKS = 20
_SHOWN = 8
_ALPHABET = string.ascii_letters + string.digits
_USE_NOTED_EVERY = timedelta(minutes=1)


class BadKeyWish(Refusal):
    """A key of this kind cannot be made. Nothing was."""

    code = "bad_key_wish"


@dataclass(frozen=True)
class NewKey:
    """``plain`` is kept nowhere: whoever made the key sees it now or never."""

    row: ApiKey
    plain: str


@dataclass(frozen=True)
class Caller:
    """Who calls with which key, and the database's time of the call. ``beside`` is what else was read with it.

    ``version`` names everything of key and customer that was read.
    """

    customer: User
    key: ApiKey
    now: datetime
    version: str
    beside: Sequence[Any] = ()

    def may(self, scope: Scope) -> bool:
        return scope.value in self.key.scopes


def create_key(
    *,
    customer: User,
    name: str,
    scopes: Collection[str] = (Scope.READ.value, Scope.ORDER.value),
    networks: Collection[str] = (),
    now: datetime,
) -> NewKey:
    """Make a key. ``networks`` are addresses or networks of either family. Raises BadKeyWish."""
    name = " ".join(name.split())[:60]
    if not name:
        raise BadKeyWish(_("Give the key a name, so that you know it again."))
    wanted = [scope.value for scope in Scope if scope.value in scopes]
    if not wanted:
        raise BadKeyWish(_("A key has to be allowed something."))
    plain = "".join(secrets.choice(_ALPHABET) for _n in range(LENGTH))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=customer.pk)
        if ApiKey.objects.filter(customer=customer, revoked_at=None).count() >= MOST_KEYS:
            raise BadKeyWish(_("These are enough keys. Revoke one that is not used any more."))
        row = ApiKey.objects.create(
            customer=customer,
            name=name,
            prefix=plain[:_SHOWN],
            digest=digest_of(plain),
            scopes=wanted,
            networks=read_networks(networks),
            created_at=now,
        )
    return NewKey(row, plain)


def read_networks(words: Collection[str]) -> list[str]:
    """Addresses and networks in their canonical form. Raises BadKeyWish for anything else."""
    if len(words) > MOST_NETWORKS:
        raise BadKeyWish(_("At most %(most)s addresses.") % {"most": MOST_NETWORKS})
    found = []
    for word in words:
        try:
            found.append(str(ipaddress.ip_network(word.strip(), strict=False)))
        except ValueError:
            raise BadKeyWish(_("“%(word)s” is no IP address or network.") % {"word": word[:50]}) from None
    return found


def revoke_key(*, customer: User, key_id: int, now: datetime) -> bool:
    """End a key of this customer at once; whether there was one to end."""
    live = ApiKey.objects.filter(customer=customer, pk=key_id, revoked_at=None)
    return bool(live.update(revoked_at=now))


def keys_of(customer: User) -> list[ApiKey]:
    """The customer's keys that work, the newest first."""
    return list(ApiKey.objects.filter(customer=customer, revoked_at=None))


#: How another room's statement names the customer, in what it wants to be read beside the key.
WHO = "who.id"
_KEY = ("id", "customer_id", "scopes", "networks", "last_used_at")
_WHO = ("id", "email", "group_id")
_VERSION = """
    hash_record_extended(ROW(k.id, k.customer_id, k.digest, k.scopes, k.networks, k.revoked_at,
                             who.is_active, who.email, who.group_id), 0)
"""
_FROM = "FROM accounts_apikey k JOIN accounts_user who ON who.id = k.customer_id"


def authenticate(plain: str, *, address: str, beside: Part | None = None) -> Caller | None:
    """Whose key this is; None for a wrong, revoked, missing or here forbidden one.

    All of those cost one hash and one look into an index, so that neither the answer nor its time tells them apart.
    ``beside`` is a statement of one row about the customer :data:`WHO`, read in the same round trip.
    """
    values = {"digest": digest_of(plain), **(beside.values if beside else {})}
    rows = read(_statement(beside.sql if beside else ""), values)
    if not rows:
        return None
    now, version, found = rows[0][0], str(rows[0][1]), rows[0][2:]
    key = loaded(ApiKey, dict(zip(_KEY, found, strict=False)))
    if not is_allowed_from(key, address):
        return None
    key.customer = loaded(User, dict(zip(_WHO, found[len(_KEY) :], strict=False)))
    if key.last_used_at is None or now - key.last_used_at >= _USE_NOTED_EVERY:
        _note_use(key, now)
    return Caller(key.customer, key, now, version, found[len(_KEY) + len(_WHO) :])


def standing(caller: Caller) -> Part:
    """A condition for a statement that acts for somebody who was authenticated earlier: the key works and is what it
    was, so is its customer, and its use needs no note."""
    return Part(_STANDING, {"key_id": str(caller.key.pk), "key_version": caller.version})


#: As strict as :func:`authenticate`, since a key that was revoked or a customer who was shut out has another version.
_STANDING = f"""
    EXISTS (
        SELECT {_FROM}
        WHERE k.id = %(key_id)s::bigint AND {_VERSION} = %(key_version)s::bigint AND k.revoked_at IS NULL
          AND who.is_active
          AND k.last_used_at > statement_timestamp() - interval '{_USE_NOTED_EVERY.total_seconds():.0f} seconds'
    )
"""  # noqa: S608 - constants of ours


@cache
def _statement(beside: str) -> str:
    columns = ", ".join([*(f"k.{name}" for name in _KEY), *(f"who.{name}" for name in _WHO)])
    return f"""
        SELECT statement_timestamp(), {_VERSION}, {columns} {", beside.*" if beside else ""}
        {_FROM}
        {f"LEFT JOIN LATERAL ({beside}) AS beside ON true" if beside else ""}
        WHERE k.digest = %(digest)s::text AND k.revoked_at IS NULL AND who.is_active
    """  # noqa: S608 - constants of ours


def digest_of(plain: str) -> str:
    """What of a key is kept."""
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def is_allowed_from(key: ApiKey, address: str) -> bool:
    """Whether the key may be used from this address."""
    if not key.networks:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    here = getattr(here, "ipv4_mapped", None) or here
    return any(here in ipaddress.ip_network(network) for network in key.networks)


def _note_use(key: ApiKey, now: datetime) -> None:
    # Compared again in the statement: of many calls in the same moment one writes.
    seen = Q(last_used_at=None) if key.last_used_at is None else Q(last_used_at=key.last_used_at)
    ApiKey.objects.filter(seen, pk=key.pk).update(last_used_at=now)
