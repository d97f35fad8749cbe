"""NOWPayments as the core sees it."""

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.calls import Answer, call
from billing.gateways.contract import (
    Ability,
    Asked,
    Config,
    ConfigField,
    Declined,
    Forged,
    Gateway,
    Hint,
    Ignored,
    NoAnswer,
    Reading,
    Spec,
    Started,
)
from billing.gateways.nowpayments.payments import identity, reading_of, started_of
from billing.gateways.reading import (
    Literal,
    Unreadable,
    amount_text,
    digits,
    find_header,
    read_amount,
    read_currency,
    read_json,
    write_json,
)

log = logging.getLogger(__name__)

SIGNATURE = "x-nowpayments-sig"
LIVE, SANDBOX = "https://api.nowpayments.io", "https://api-sandbox.nowpayments.io"
MOST_COINS = 20
#: More payments to one address than a person makes.
MOST_PAYMENTS = 20
_SIGNED = re.compile(r"[0-9a-f]{128}\Z", re.ASCII)
_COIN = re.compile(r"[a-z0-9]{2,30}\Z", re.ASCII)


class NowPaymentsGateway(Gateway):
    spec = Spec(
        name="nowpayments",
        title="NOWPayments",
        fields=(
            ConfigField("api_key", _("API key"), is_secret=True),
            ConfigField("ipn_secret", _("IPN secret key"), is_secret=True, signs_calls=True),
            ConfigField(
                "coins",
                _("Coins"),
                _("One line for each, with NOWPayments' code and what customers read: “usdttrc20: USDT on TRON”."),
                is_long=True,
            ),
            ConfigField(
                "address",
                _("API address"),
                _("Leave it empty: NOWPayments' own is known."),
                is_address=True,
                is_required=False,
            ),
        ),
        abilities=frozenset({Ability.WEBHOOK, Ability.REFUND_BY_HAND}),
        # As long as NOWPayments keeps a fixed rate, unless its answer says something else.
        lives_for=timedelta(minutes=20),
        watched_for=timedelta(days=7),
        headers=(SIGNATURE,),
        choice_label=_("Coin"),
        pay_template="billing/pay_coins.html",
    )

    def choices(self, config: Config) -> dict[str, str]:
        return coins_of(config)

    def problems(self, config: Config) -> dict[str, str]:
        host = urlsplit(config.values.get("address", "")).hostname or ""
        is_sandbox = "sandbox" in host
        if config.is_live and is_sandbox:
            return {"address": _t("This is the sandbox, where nobody pays: a live method does not call it.")}
        if not config.is_live and not is_sandbox and host.endswith("nowpayments.io"):
            return {"address": _t("This is where real money is paid: a method in test mode calls the sandbox.")}
        return {}

    def check(self, config: Config) -> list[str]:
        if found := list(self.problems(config).values()):
            return found
        coins = coins_of(config)
        if not coins:
            return [_t("Write at least one coin, such as “usdttrc20: USDT on TRON”.")]
        problems = []
        for coin, name in coins.items():
            answer = self._minimum(coin, config)
            if answer.status in (401, 403):
                return [_t("NOWPayments does not accept the API key.")]
            if not answer.is_ok:
                problems.append(_t("NOWPayments does not take %(coin)s.") % {"coin": f"{coin} ({name})"})
        return problems

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        if self.problems(config):
            return Declined(_t("This way of paying is not set up yet. Choose another one."))
        coin = asked.choice
        name = coins_of(config).get(coin, coin)
        # 1. What was started is shown again: there is no key by which a second payment would find the first.
        if asked.remote_id:
            return started_of(self._payment(asked.remote_id, config), coin, name)
        # 2. A new payment. One whose answer is lost stays without money: nobody was shown its address.
        order = {
            "price_amount": Literal(digits(asked.amount, asked.currency)),
            "price_currency": asked.currency.lower(),
            "pay_currency": coin,
            "order_id": asked.reference,
            "order_description": asked.number,
            "ipn_callback_url": config.webhook_url,
            "is_fixed_rate": True,
            "is_fee_paid_by_user": False,
        }
        answer = self._call("POST", "/v1/payment", config, write_json(order).encode())
        if answer.is_ok:
            return started_of(answer.fields(), coin, name)
        # 3. A refusal, in our words: theirs are for programmers.
        code = str(answer.fields().get("code", "")) if isinstance(answer.value, dict) else ""
        log.warning("NOWPayments refused %s: HTTP %d %.80r", asked.number, answer.status, code)
        if code == "AMOUNT_MINIMAL_ERROR":
            return Declined(self._too_little(coin, name, config))
        return Declined(_t("The payment service refused this payment. Choose another coin or way to pay."))

    def verify(self, headers: Mapping[str, str], body: bytes, config: Config, now: datetime) -> Hint:
        # 1. What is signed is the JSON with its keys in order at every level, and each number as it was sent.
        key, given = config.values.get("ipn_secret", ""), find_header(headers, SIGNATURE)
        if len(key) < 16 or not _SIGNED.match(given) or body[:1] != b"{" or body[-1:] != b"}":
            raise Forged("no signature, or no body")
        try:
            event: dict[str, Any] = read_json(body)
            signed = write_json(event).encode()
        except (Unreadable, UnicodeEncodeError, RecursionError) as problem:
            raise Forged("not readable") from problem
        if not hmac.compare_digest(given, hmac.new(key.encode(), signed, hashlib.sha512).hexdigest()):
            raise Forged("wrong signature")
        # 2. Which payment it is about. A further payment to the same address names the first as its parent.
        payment, parent = identity(event.get("payment_id")), identity(event.get("parent_payment_id"))
        if not payment:
            raise Ignored("it names no payment")
        status = str(event.get("payment_status"))[:40]
        event_id = f"{payment}:{status}:{hashlib.sha256(body).hexdigest()}"
        return Hint(event_id, status, parent or payment, str(event.get("order_id") or "")[:64], payment)

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        first = self._payment(asked.remote_id, config)
        ids = sorted(filter(identity, payment_ids - {asked.remote_id}), key=int)
        more: dict[str, Mapping[str, Any]] = {}
        for payment_id in ids[:MOST_PAYMENTS]:
            answer = self._call("GET", f"/v1/payment/{payment_id}", config)
            # An id that only a call named, and that is none of ours, has nothing to say about this top-up; nor has
            # an answer that is the first payment once more.
            if answer.is_ok and identity(answer.fields().get("payment_id")) != asked.remote_id:
                more[payment_id] = answer.fields()
        is_whole = len(ids) <= MOST_PAYMENTS
        try:
            return reading_of(asked, first, more, is_live=config.is_live, is_whole=is_whole)
        except Unreadable as problem:
            raise NoAnswer(str(problem)) from problem

    def _payment(self, payment_id: str, config: Config) -> Mapping[str, Any]:
        answer = self._call("GET", f"/v1/payment/{payment_id}", config)
        if not answer.is_ok:
            raise NoAnswer(f"HTTP {answer.status}")
        return answer.fields()

    def _minimum(self, coin: str, config: Config) -> Answer:
        return self._call("GET", f"/v1/min-amount?currency_from={coin}&fiat_equivalent=usd&is_fixed_rate=True", config)

    def _too_little(self, coin: str, name: str, config: Config) -> str:
        """Return why an amount is too small, with the smallest one where NOWPayments says it."""
        try:
            found = self._minimum(coin, config).fields()
            least = amount_text(read_amount(found.get("fiat_equivalent")), read_currency("usd"))
        except (NoAnswer, Unreadable):
            return _t("The amount is too small for %(coin)s.") % {"coin": name}
        return _t("The amount is too small for %(coin)s, which takes about %(least)s or more.") % {
            "coin": name,
            "least": least,
        }

    def _call(self, verb: str, path: str, config: Config, body: bytes | None = None) -> Answer:
        host = config.values.get("address") or (LIVE if config.is_live else SANDBOX)
        headers = {"x-api-key": config.values.get("api_key", "")}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return call(verb, host.rstrip("/") + path, headers=headers, body=body)


def coins_of(config: Config) -> dict[str, str]:
    """Return the names of the owner's coins by NOWPayments' codes; a line that names no coin is left out."""
    found = {}
    for line in config.values.get("coins", "").splitlines():
        code, _colon, name = line.partition(":")
        if _COIN.match(code.strip().lower()):
            found[code.strip().lower()] = name.strip()[:60] or code.strip().upper()
    return dict(list(found.items())[:MOST_COINS])
