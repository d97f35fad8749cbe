"""Whether an `add` may be repeated at a provider: only where the owner's test order proved that it knows our key.

The proof is about the settings under which it was made: address, API key, and how a request is written. It is a keyed
digest of them, so a change by any way leaves a proof that fits nothing.
"""

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from catalog.models import Provider
from core.secrets import SecretUnreadable, unseal
from notices import causes
from notices.alerts import close_alert, raise_alert

#: Parts of a dialect that say how answers are read. A repeat is written the same whatever they say.
_WORDS = ("state_map", "error_map", "numeric_states", "description_field")
#: What makes a proof worthless when it changes.
PROVEN_WITH = frozenset({"url", "sealed_key", "body_encoding", "dialect"})


def field_of(provider: Provider) -> str:
    """Return the field of `add` that carries a key of the request, "" if the provider's dialect names none."""
    return str(provider.dialect.get("request_id_field") or "")


def settings_digest(provider: Provider) -> str:
    """Return a digest of all that decides which bytes go where, and when. Raises core.secrets.SecretUnreadable.

    Keyed, because the API key is part of it. DOUBT_SETTLE_SECONDS decides how long after the first request the second
    one of a test leaves, and later a repeat: a proof made over two minutes says nothing about ten.
    """
    written: dict[str, Any] = {name: value for name, value in provider.dialect.items() if name not in _WORDS}
    parts = [provider.url, unseal(provider.sealed_key), provider.body_encoding, json.dumps(written, sort_keys=True)]
    parts.append(str(settings.DOUBT_SETTLE_SECONDS))
    return salted_hmac("catalog.repeatable", json.dumps(parts), algorithm="sha256").hexdigest()


def is_proven(provider: Provider) -> bool:
    """Return True if a test order proved it, under today's settings. Raises core.secrets.SecretUnreadable."""
    return bool(
        field_of(provider) and provider.request_id_proof and provider.request_id_proof == settings_digest(provider)
    )


def note_proven(provider_id: int, digest: str, *, actor: str, now: datetime) -> bool:
    """Record the proof of a test order; return False if the settings it was made with have changed since."""
    with transaction.atomic():
        provider = Provider.objects.select_for_update(no_key=True).get(pk=provider_id)
        if not field_of(provider) or settings_digest(provider) != digest:
            return False
        Provider.objects.filter(pk=provider_id).update(
            request_id_proof=digest, request_id_proven_at=now, request_id_proven_by=actor[:254]
        )
        close_alert(causes.REQUEST_ID_IGNORED, now=now, provider=provider_id)
    return True


def forget_other_proof(provider_id: int) -> bool:
    """Take the proof away if it was made under other settings than today's; return whether it was."""
    with transaction.atomic():
        provider = Provider.objects.select_for_update(no_key=True).get(pk=provider_id)
        try:
            if not provider.request_id_proof or is_proven(provider):
                return False
        except SecretUnreadable:
            pass  # what cannot be compared proves nothing
        Provider.objects.filter(pk=provider_id).update(**NO_PROOF)
    return True


def withdraw(provider_id: int, *, order: int, now: datetime, contradiction: str) -> bool:
    """Take the proof away and alert the owner: answers about ``order`` contradict it; False if it was away already."""
    with transaction.atomic():
        proven = Provider.objects.filter(pk=provider_id).exclude(request_id_proof="")
        was_proven = bool(proven.update(**NO_PROOF))
        raise_alert(
            causes.REQUEST_ID_IGNORED, now=now, provider=provider_id, order=order, contradiction=contradiction,
            name=Provider.objects.values_list("name", flat=True).get(pk=provider_id),
        )  # fmt: skip
    return was_proven


NO_PROOF: dict[str, Any] = {"request_id_proof": "", "request_id_proven_at": None, "request_id_proven_by": ""}
