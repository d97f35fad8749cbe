"""The voucher gateway: its "remote" is the row of the redeemed code."""

from datetime import timedelta

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.contract import (
    Ability,
    Asked,
    Config,
    Declined,
    Gateway,
    Payment,
    Reading,
    ReadState,
    Spec,
    Started,
)
from billing.models import Voucher


class VoucherGateway(Gateway):
    spec = Spec(
        name="voucher",
        title=_("Voucher codes"),
        abilities=frozenset({Ability.CODE}),
        icon="tag",
        lives_for=timedelta(hours=1),
        watched_for=timedelta(days=1),
    )

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        return Started(f"voucher-{asked.reference}", instructions={str(_t("Amount")): f"{asked.amount:f}"})

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        found = Voucher.objects.filter(topup__reference=asked.reference).select_related("batch").first()
        payments = () if found is None else (Payment(f"voucher-{found.pk}", found.batch.amount, asked.currency),)
        state = ReadState.PAID if payments else ReadState.PENDING
        return Reading(state, config.is_live, asked.amount, asked.currency, payments)
