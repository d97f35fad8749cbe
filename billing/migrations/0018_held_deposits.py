from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import core.money
from billing.migrations import _deposits
from billing.migrations._gateways import fixed_paths


class Migration(migrations.Migration):
    """Deposits that cannot be spent at once, and from where a top-up was started. No row is read or written."""

    dependencies = [
        ("billing", "0017_topup_choice"),
        ("pages", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="held_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="topup",
            name="address",
            field=models.GenericIPAddressField(blank=True, null=True, verbose_name="network address"),
        ),
        migrations.AddField(
            model_name="topup",
            name="device",
            field=models.CharField(blank=True, db_default="", default="", max_length=300, verbose_name="device"),
        ),
        migrations.AddField(
            model_name="topup",
            name="terms",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="pages.termsversion",
                verbose_name="terms accepted",
            ),
        ),
        migrations.CreateModel(
            name="DepositRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "younger_than_days",
                    models.SmallIntegerField(
                        blank=True,
                        help_text="Empty: accounts of any age.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="account younger than, days",
                    ),
                ),
                (
                    "least",
                    core.money.AmountField(
                        decimal_places=5,
                        default=Decimal("0"),
                        help_text="The smallest top-up.",
                        max_digits=20,
                        validators=[django.core.validators.MinValueValidator(Decimal("0"))],
                        verbose_name="from",
                    ),
                ),
                (
                    "hours",
                    models.SmallIntegerField(
                        help_text="For so long the money is in the wallet and cannot be spent.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(720),
                        ],
                        verbose_name="hours",
                    ),
                ),
                ("is_on", models.BooleanField(default=True, verbose_name="on")),
                (
                    "method",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every method.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deposit_rules",
                        to="billing.paymentmethod",
                        verbose_name="payment method",
                    ),
                ),
            ],
            options={
                "verbose_name": "rule for fresh deposits",
                "verbose_name_plural": "rules for fresh deposits",
                "ordering": ["method", "least", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("hours__gte", 1),
                            ("hours__lte", 720),
                            ("least__gte", Decimal("0.0")),
                            ("least__lt", Decimal("1000000000000.0")),
                            models.Q(("younger_than_days", None), ("younger_than_days__gte", 1), _connector="OR"),
                        ),
                        name="deposit_rule_sane",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HeldDeposit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", core.money.AmountField(decimal_places=5, max_digits=20, verbose_name="amount")),
                ("until", models.DateTimeField(verbose_name="until")),
                ("released_at", models.DateTimeField(blank=True, null=True, verbose_name="released")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="since"
                    ),
                ),
                (
                    "topup",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="held_deposit",
                        to="billing.topup",
                        verbose_name="top-up",
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="held_deposits",
                        to="billing.account",
                        verbose_name="wallet",
                    ),
                ),
            ],
            options={
                "verbose_name": "held deposit",
                "verbose_name_plural": "held deposits",
                "indexes": [
                    models.Index(
                        condition=models.Q(("released_at", None)),
                        fields=["wallet", "until"],
                        name="held_deposit_by_wallet",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__gte", Decimal("0.0")),
                            ("amount__lt", Decimal("1000000000000.0")),
                            ("until__gt", models.F("created_at")),
                        ),
                        name="held_deposit_sane",
                    )
                ],
            },
        ),
        migrations.RunSQL(_deposits.GUARDS, _deposits.DROP_GUARDS),
        migrations.RunSQL(
            _deposits.POST + fixed_paths("billing_transfer_post", *_deposits.FUNCTIONS) + _deposits.BY_INDEX,
            _deposits.POST_BEFORE + fixed_paths("billing_transfer_post") + _deposits.BY_INDEX,
        ),
    ]
