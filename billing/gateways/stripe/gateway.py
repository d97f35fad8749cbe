"""Stripe Checkout as the core sees it."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.contract import (
    Ability,
    Asked,
    Config,
    ConfigField,
    Declined,
    Gateway,
    Hint,
    ListedPayment,
    NoAnswer,
    Reading,
    RefundDone,
    RefundStarted,
    Spec,
    Started,
)
from billing.gateways.reading import Unreadable, write_minor
from billing.gateways.stripe.asking import ask_about, list_complete, refunds_of
from billing.gateways.stripe.client import StripeRefused, client_of, facts_of, stripes_errors
from billing.gateways.stripe.currencies import CURRENCIES, WITH_THREE, WITHOUT_DECIMALS, decimals_at_stripe
from billing.gateways.stripe.sessions import is_unclear, listed, read_session
from billing.gateways.stripe.webhook import ASYNC_FAILED, SIGNATURE, read_call
from billing.models import GatewayEvent

log = logging.getLogger(__name__)


def _bank_refused(session_id: str) -> bool:
    """True if a genuine call said that a delayed payment failed; a session that is paid later says so by itself."""
    said = GatewayEvent.objects.filter(method__gateway="stripe", remote_id=session_id)
    return said.filter(kind=ASYNC_FAILED).exists()


class StripeGateway(Gateway):
    spec = Spec(
        name="stripe",
        title=_("Stripe Checkout"),
        fields=(
            ConfigField(
                "secret_key",
                _("Secret key"),
                _("From Stripe's page “API keys”: sk_live_… or a restricted key rk_live_…, in test mode with _test_."),
                is_secret=True,
            ),
            ConfigField(
                "webhook_secret",
                _("Signing secret of the webhook"),
                _("From the webhook endpoint that you add at Stripe for the address below: whsec_…"),
                is_secret=True,
                signs_calls=True,
            ),
        ),
        currencies=CURRENCIES,
        # Amounts with three decimals have to end in 0.
        decimals=dict.fromkeys(WITHOUT_DECIMALS, 0) | dict.fromkeys(WITH_THREE, 2),
        abilities=frozenset({Ability.REFUND, Ability.CANCEL, Ability.WEBHOOK, Ability.LIST}),
        # Stripe ends a session after 24 hours at the latest, by its own clock.
        lives_for=timedelta(hours=23),
        # Customers may dispute a payment for months.
        watched_for=timedelta(days=180),
        headers=(SIGNATURE,),
        icon="wallet",
    )

    def problems(self, config: Config) -> dict[str, str]:
        found = {}
        key, secret = config.values.get("secret_key", ""), config.values.get("webhook_secret", "")
        mode = "live" if config.is_live else "test"
        if key and not key.startswith((f"sk_{mode}_", f"rk_{mode}_")):
            found["secret_key"] = _t("A secret key of this mode begins with sk_%(mode)s_ or rk_%(mode)s_.") % {
                "mode": mode
            }
        if secret and not secret.startswith("whsec_"):
            found["webhook_secret"] = _t("The signing secret of a webhook begins with whsec_.")
        return found

    def check(self, config: Config) -> list[str]:
        if found := list(self.problems(config).values()):
            return found
        if not (config.values.get("secret_key") and config.values.get("webhook_secret")):
            return [_t("Enter the secret key and the signing secret of the webhook.")]
        try:
            with stripes_errors():
                client_of(config).v1.checkout.sessions.list(params={"limit": 1})
        except StripeRefused as problem:
            if problem.status == 401:
                return [_t("Stripe does not know the secret key.")]
            return [_t("The key is not allowed to do this at Stripe: %(problem)s") % {"problem": problem}]
        return []

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        if self.problems(config):
            return Declined(_t("Paying by card does not work at the moment. Please choose another way to pay."))
        # Everything here stays the same when it is asked again: Stripe refuses another request under the same key.
        noted = {"topup": asked.reference}
        params: Any = {
            "mode": "payment",
            "client_reference_id": asked.reference,
            "success_url": asked.return_url,
            "cancel_url": asked.return_url,
            "expires_at": int(asked.expires_at.timestamp()),
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": asked.currency.lower(),
                        "unit_amount": write_minor(asked.amount, decimals_at_stripe(asked.currency)),
                        "product_data": {"name": asked.number},
                    },
                }
            ],
            "metadata": noted,
            # Refunds and disputes carry what the payment carries, never what the session carries.
            "payment_intent_data": {"metadata": noted, "description": asked.number},
        }
        try:
            with stripes_errors():
                client = client_of(config)
                answer = client.v1.checkout.sessions.create(params, {"idempotency_key": asked.reference})
        except StripeRefused as problem:
            log.error("%s: %s", asked.number, problem)
            if problem.code in ("amount_too_small", "amount_too_large"):
                return Declined(_t("This amount cannot be paid by card. Please choose another one."))
            is_ours = problem.code == "idempotency"
            warning = _t("Stripe has another request under the same key, see the log.") if is_ours else ""
            return Declined(
                _t("Paying by card does not work at the moment. Please choose another way to pay."), warning=warning
            )
        session = facts_of(answer)
        remote_id, url = session.get("id"), session.get("url") or ""
        if not isinstance(remote_id, str) or not remote_id or not isinstance(url, str):
            raise NoAnswer("Stripe's answer names no session")
        return Started(remote_id, pay_url=url if url.startswith("https://") else "")

    def verify(self, headers: Mapping[str, str], body: bytes, config: Config, now: datetime) -> Hint:
        return read_call(headers, body, config, now)

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        try:
            with stripes_errors():
                session, refunds, disputes = ask_about(client_of(config), asked.remote_id)
        except StripeRefused as problem:
            raise NoAnswer(str(problem)) from None
        if session.get("id") != asked.remote_id:
            raise NoAnswer("Stripe answered about another session")
        has_failed = is_unclear(session) and _bank_refused(asked.remote_id)
        return read_session(session, asked, refunds, disputes, has_failed=has_failed)

    def refund(
        self, asked: Asked, payment_id: str, amount: Decimal, key: str, config: Config
    ) -> RefundDone | RefundStarted | Declined:
        client = client_of(config)
        try:
            with stripes_errors():
                # Stripe forgets keys after a day; a refund that an older call made has ours among its notes.
                known = refunds_of(client, payment_id)
                found = next((one for one in known if (one.get("metadata") or {}).get("key") == key), None)
                if found is None:
                    units = write_minor(amount, decimals_at_stripe(asked.currency))
                    made: Any = {"payment_intent": payment_id, "amount": units}
                    made["metadata"] = {"topup": asked.reference, "key": key}
                    found = facts_of(client.v1.refunds.create(made, {"idempotency_key": key}))
                refund_id, status = str(found["id"]), found["status"]
        except StripeRefused as problem:
            # An earlier try may have been taken: what says nothing about this refund puts no money back.
            if problem.status in (401, 403, 404) or problem.code == "idempotency":
                raise NoAnswer(str(problem)) from None
            return Declined(str(problem))
        except Unreadable as problem:
            return Declined(str(problem))
        except (KeyError, TypeError, AttributeError):
            raise NoAnswer("Stripe's answer about the refund cannot be read") from None
        if status in ("failed", "canceled"):
            return Declined(_t("Stripe's refund failed."))
        return RefundDone(refund_id) if status == "succeeded" else RefundStarted(refund_id)

    def cancel(self, asked: Asked, config: Config) -> bool:
        client = client_of(config)
        try:
            with stripes_errors():
                return facts_of(client.v1.checkout.sessions.expire(asked.remote_id)).get("status") == "expired"
        except StripeRefused:
            pass  # it was paid or expired meanwhile
        try:
            with stripes_errors():
                return facts_of(client.v1.checkout.sessions.retrieve(asked.remote_id)).get("status") == "expired"
        except StripeRefused as problem:
            raise NoAnswer(str(problem)) from None

    def list_payments(self, since: datetime, config: Config) -> list[ListedPayment]:
        try:
            with stripes_errors():
                sessions = list_complete(client_of(config), since)
        except StripeRefused as problem:
            raise NoAnswer(str(problem)) from None
        return [found for session in sessions if (found := listed(session)) is not None]
