"""The demo's gateway as the core sees it. Its calls are signed as real ones are."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from billing.gateways.contract import (
    Ability,
    Asked,
    Config,
    ConfigField,
    Declined,
    Forged,
    Gateway,
    Hint,
    ListedPayment,
    NoAnswer,
    Reading,
    RefundDone,
    Spec,
    Started,
)
from billing.gateways.demo import remote

SIGNATURE = "x-demo-signature"
MOST_BODY = 4096


class DemoGateway(Gateway):
    spec = Spec(
        name="demo",
        title=_("Demo"),
        fields=(
            ConfigField(
                "signing_key",
                _("Signing key"),
                _("Signs the calls of the demo's payment page. Any text of 16 characters or more."),
                is_secret=True,
                signs_calls=True,
            ),
        ),
        abilities=frozenset({Ability.REFUND, Ability.CANCEL, Ability.WEBHOOK, Ability.LIST}),
        lives_for=timedelta(hours=1),
        watched_for=timedelta(days=1),
        headers=(SIGNATURE,),
        has_live_mode=False,
        icon="monitor",
    )

    def check(self, config: Config) -> list[str]:
        return [str(_("The demo takes no real money: it has a test mode only."))] if config.is_live else []

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        remote_id = remote.open_payment(asked.reference, asked.amount, asked.currency)
        return Started(remote_id, pay_url=reverse("billing:demo_payment", args=[remote_id]))

    def verify(self, headers: Mapping[str, str], body: bytes, config: Config, now: datetime) -> Hint:
        given = headers.get(SIGNATURE, "")
        if not hmac.compare_digest(given.encode("ascii", "replace"), sign(body, config).encode()):
            raise Forged("wrong signature")
        if len(body) > MOST_BODY:
            raise Forged("too long")
        try:
            event = json.loads(body)
            event_id, remote_id = event["id"], event["payment"]
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise Forged("not readable") from problem
        if not (isinstance(event_id, str) and isinstance(remote_id, str) and 0 < len(event_id) <= 200):
            raise Forged("not readable")
        return Hint(event_id=event_id, kind=str(event.get("kind", ""))[:80], remote_id=remote_id[:200])

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        return self._read(asked.remote_id)

    def settle(self, asked: Asked, config: Config) -> Reading:
        remote.settle(asked.remote_id)
        return self._read(asked.remote_id)

    def refund(self, asked: Asked, payment_id: str, amount: Decimal, key: str, config: Config) -> RefundDone | Declined:
        return RefundDone(key) if remote.refund(asked.remote_id, amount, key) else Declined(_("The demo refused it."))

    def list_payments(self, since: datetime, config: Config) -> list[ListedPayment]:
        return remote.paid_since(since)

    def cancel(self, asked: Asked, config: Config) -> bool:
        return remote.cancel(asked.remote_id)

    def _read(self, remote_id: str) -> Reading:
        found = remote.read(remote_id)
        if found is None:
            raise NoAnswer(f"the demo knows no payment {remote_id}")
        return found


def sign(body: bytes, config: Config) -> str:
    """Return the signature of a call. Raises Forged without a key: an empty one would let anybody sign."""
    key = config.values.get("signing_key", "")
    if len(key) < 16:
        raise Forged("no key")
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
