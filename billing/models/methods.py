"""A way to pay: one configuration of a gateway, as the owner set it up."""

import json
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.money import LEAST, MOST, AmountField
from core.secrets import seal, unseal

#: How long calls may be signed with a secret that was replaced: the gateway's side may change later than ours.
KEEPS_OLD_SECRET = timedelta(hours=24)
#: Where the replaced secrets stand among the sealed ones; no field has this name.
_OLD = " old"


def new_token() -> str:
    """Return 32 random letters and digits: the part of a webhook's address that names the method."""
    return secrets.token_hex(16)


class PaymentMethod(models.Model):
    """One way for customers to pay. Its gateway is a folder of `billing/gateways`, found by name.

    ``settings`` holds what the gateway's form asks for; what it calls secret is sealed in ``sealed_secrets``. Fees and
    bonuses are the owner's: a top-up copies them as amounts when it starts, and later changes do not touch it.
    """

    gateway = models.CharField(_("gateway"), max_length=40)
    name = models.CharField(_("name"), max_length=60, help_text=_("Customers read it, such as Card or Bank transfer."))
    arrives = models.CharField(
        _("when it arrives"), max_length=80, blank=True, help_text=_("Customers read it, such as At once.")
    )
    is_on = models.BooleanField(_("on"), default=False, help_text=_("Customers can start top-ups with it."))
    is_live = models.BooleanField(
        _("live"),
        default=False,
        help_text=_("Off: the gateway's test mode, which customers see in the demo alone."),
    )
    position = models.IntegerField(_("place"), default=0, help_text=_("Lower numbers stand first."))
    currency = models.CharField(
        _("currency"),
        max_length=12,
        validators=[RegexValidator(r"\A[A-Z0-9]{3,12}\Z", _("Write the currency's code, such as USD."))],
        help_text=_("What customers are asked to pay in."),
    )
    exchange_rate = models.DecimalField(
        _("exchange rate"),
        max_digits=24,
        decimal_places=12,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.000000000001"))],
        help_text=_("How much of that currency one unit of the shop's currency costs. 1 if they are the same."),
    )
    least = AmountField(_("smallest top-up"), default=Decimal(5), validators=[MinValueValidator(Decimal("0.01"))])
    most = AmountField(_("largest top-up"), default=Decimal(1000))
    fee_percent = models.DecimalField(
        _("fee in percent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(50))],
        help_text=_("Customers pay it on top of what arrives in the wallet."),
    )
    fee_fixed = AmountField(_("fixed fee"), default=Decimal(0), validators=[MinValueValidator(Decimal(0))])
    bonus_percent = models.DecimalField(
        _("bonus in percent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
    )
    bonus_from = AmountField(
        _("bonus from"),
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("The smallest top-up that gets a bonus."),
    )
    takes_less = models.BooleanField(
        _("credit a part"),
        default=False,
        help_text=_("On: who pays too little gets that much at once. Off: it waits for you."),
    )
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    sealed_secrets = models.TextField(_("secrets"), blank=True, editable=False)
    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    #: Calls of its webhook with a wrong signature since ``forged_since``; after an hour they are counted anew.
    forged = models.IntegerField(default=0, editable=False)
    forged_since = models.DateTimeField(null=True, editable=False)
    last_event_at = models.DateTimeField(_("last genuine call"), null=True, editable=False)
    last_answer_at = models.DateTimeField(_("last answer"), null=True, editable=False)

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(least__gt=LEAST, least__lte=F("most"), most__lt=MOST, exchange_rate__gt=LEAST)
                & Q(exchange_rate__lt=MOST, fee_percent__gte=LEAST, fee_percent__lte=Decimal("50.0"))
                & Q(fee_fixed__gte=LEAST, fee_fixed__lt=MOST, bonus_from__gte=LEAST, bonus_from__lt=MOST)
                & Q(bonus_percent__gte=LEAST, bonus_percent__lte=Decimal("100.0")),
                name="payment_method_sane",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def secrets(self) -> dict[str, str]:
        """Return the gateway's secrets by field. Raises core.secrets.SecretUnreadable."""
        return {name: value for name, value in self._sealed().items() if name != _OLD}

    def old_secrets(self, *, now: datetime) -> dict[str, str]:
        """Return the replaced secrets with which calls may still be signed. Raises core.secrets.SecretUnreadable."""
        kept = self._sealed().get(_OLD, {}).items()
        return {name: each["secret"] for name, each in kept if now < datetime.fromisoformat(each["until"])}

    def set_secrets(self, secrets: dict[str, str]) -> None:
        """Seal these in place of the present ones, the old ones included."""
        self.sealed_secrets = seal(json.dumps(secrets)) if secrets else ""

    def replace_secrets(self, new: Mapping[str, str], *, keep: Collection[str], now: datetime) -> None:
        """Seal ``new`` among the present secrets. Of those named in ``keep`` the old one counts for another day."""
        present = self.secrets()
        changed = {name for name, secret in new.items() if name in keep and present.get(name, secret) != secret}
        until = (now + KEEPS_OLD_SECRET).isoformat()
        old = self._sealed().get(_OLD, {}) | {n: {"secret": present[n], "until": until} for n in changed}
        old = {name: each for name, each in old.items() if now < datetime.fromisoformat(each["until"])}
        self.sealed_secrets = seal(json.dumps({**present, **new, **({_OLD: old} if old else {})}))

    def _sealed(self) -> dict[str, Any]:
        opened: dict[str, Any] = json.loads(unseal(self.sealed_secrets)) if self.sealed_secrets else {}
        return opened

    @property
    def account_name(self) -> str:
        """The name of its account in the ledger."""
        return f"{self.gateway}:{self.pk}"
