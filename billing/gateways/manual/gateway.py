"""The manual gateway: its "remote" is the owner's account, and its answers are what staff saw there."""

from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.backends import ModelBackend
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.contract import (
    Ability,
    Asked,
    Config,
    ConfigField,
    Declined,
    Gateway,
    Payment,
    Reading,
    ReadState,
    RefundDone,
    Spec,
    Started,
)
from billing.gateways.reading import Unreadable, amount_text, read_amount
from billing.models import TransferReview


class ManualGateway(Gateway):
    spec = Spec(
        name="manual",
        title=_("Transfer, checked by hand"),
        fields=(
            ConfigField(
                "details",
                _("What customers need"),
                _("One line for each, such as “IBAN: DE02 1203 0000 0000 2020 51” or “Account holder: Permille Ltd”."),
                is_long=True,
            ),
            ConfigField(
                "second_above",
                _("Second approver above"),
                _(
                    "In the method's currency. Larger transfers need two of your staff, unless only one may decide"
                    " about top-ups. Empty: one is always enough."
                ),
                is_required=False,
            ),
        ),
        abilities=frozenset({Ability.NOTICE, Ability.REFUND}),
        icon="receipt-text",
        lives_for=timedelta(days=7),
        watched_for=timedelta(days=30),
    )

    def check(self, config: Config) -> list[str]:
        problems = []
        if not lines_of(config):
            problems.append(_t("Write at least one line such as “IBAN: …”."))
        try:
            second_above(config)
        except Unreadable:
            problems.append(_t("The limit for a second approver is no amount: write it as 100 or 99.50."))
        return problems

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        shown = {str(_t("Reference")): asked.number, str(_t("Amount")): amount_text(asked.amount, asked.currency)}
        return Started(f"manual-{asked.reference}", instructions={**shown, **lines_of(config)})

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        def says(state: ReadState, *payments: Payment, why: str = "") -> Reading:
            return Reading(state, config.is_live, asked.amount, asked.currency, payments, why)

        reviews = list(TransferReview.objects.filter(topup__reference=asked.reference))
        approvals = [review for review in reviews if review.is_approved]
        seen = [review.amount for review in approvals if review.amount is not None]
        if approvals and len(approvals) >= approvers_needed(max(asked.amount, *seen), config):
            amounts = {review.amount for review in approvals}
            if len(amounts) > 1:
                return says(ReadState.HELD, why=_t("Two people saw different amounts."))
            [amount] = amounts
            state = ReadState.PAID if amount is not None and amount >= asked.amount else ReadState.UNDERPAID
            return says(state, Payment(asked.remote_id, amount or Decimal(0), asked.currency))
        if rejected := next((review for review in reviews if not review.is_approved), None):
            return says(ReadState.FAILED, why=rejected.reason)
        return says(ReadState.PENDING)

    def refund(self, asked: Asked, payment_id: str, amount: Decimal, key: str, config: Config) -> RefundDone | Declined:
        """Book what a person sends back: there is nobody to ask."""
        return RefundDone(key)


def lines_of(config: Config) -> dict[str, str]:
    """Return what customers need, by name; a line without a name is called "Details"."""
    found: dict[str, str] = {}
    for line in config.values.get("details", "").splitlines():
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        key = name.strip() if colon and value.strip() else _t("Details")
        found[key] = "\n".join(
            filter(None, (found.get(key), value.strip() if colon and value.strip() else line.strip()))
        )
    return found


def second_above(config: Config) -> Decimal | None:
    """Return the amount above which two people approve; None if one is always enough. Raises Unreadable."""
    text = config.values.get("second_above", "").strip()
    return read_amount(text) if text else None


def approvers_needed(amount: Decimal, config: Config) -> int:
    """Return how many of the staff have to approve ``amount``: the larger of what was asked and what they saw.

    One is enough where nobody else may: no second person would ever come.
    """
    limit = second_above(config)
    return 2 if limit is not None and amount > limit and not is_one_alone() else 1


def is_one_alone() -> bool:
    """True if only one active member of staff may decide about top-ups."""
    found = ModelBackend().with_perm("billing.change_topup", include_superusers=True).filter(is_staff=True)
    return len(found.values_list("pk")[:2]) == 1
