import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import core.money
from billing.migrations import _ledger, _posting, _wallet_lines

CODES = [
    ("credit", "Credit by the owner"),
    ("debit", "Debit by the owner"),
    ("topup", "Top-up"),
    ("bonus", "Bonus"),
    ("hold", "Held for an order"),
    ("settle", "Earned"),
    ("release", "Refund"),
    ("late_refund", "Refund after completion"),
    ("chargeback", "Chargeback"),
    ("chargeback_loss", "Chargeback not covered"),
    ("fee", "Gateway fee"),
]


def amount(name):
    return core.money.AmountField(decimal_places=5, max_digits=20, verbose_name=name)


#: The accounts that are there keep NULL until their history is filled in. New ones have none, and begin with 0.
ADD_LINES = """
ALTER TABLE billing_account ADD COLUMN lines bigint;
ALTER TABLE billing_account ALTER COLUMN lines SET DEFAULT 0;
"""
DROP_GUARDS = """
DROP TRIGGER billing_walletline_no_truncate ON billing_walletline;
DROP TRIGGER billing_walletline_guard ON billing_walletline;
DROP FUNCTION billing_walletline_guard();
"""
_account_guard = _ledger.CREATE[_ledger.CREATE.index("CREATE FUNCTION billing_account_guard") :]
BEFORE = (
    _posting.POST
    + "CREATE OR REPLACE"
    + _account_guard[len("CREATE") : _account_guard.index("CREATE TRIGGER billing_account_guard")]
    + _posting.FIXED_PATHS
)


class Migration(migrations.Migration):
    """A table of what each transfer left in its wallet. No row of a table that is there already is read or written."""

    dependencies = [("billing", "0009_wallets_of_old_customers")]

    operations = [
        migrations.CreateModel(
            name="WalletLine",
            fields=[
                (
                    "transfer",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="line",
                        serialize=False,
                        to="billing.transfer",
                        verbose_name="transfer",
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="history",
                        to="billing.account",
                        verbose_name="wallet",
                    ),
                ),
                ("number", models.BigIntegerField(verbose_name="number")),
                ("code", models.CharField(choices=CODES, max_length=16, verbose_name="code")),
                ("at", models.DateTimeField(verbose_name="time")),
                ("balance", amount("balance")),
                ("added", amount("added")),
                ("spent", amount("spent")),
                ("refunded", amount("refunded")),
                ("taken", amount("taken back")),
            ],
            options={
                "verbose_name": "line of a wallet",
                "verbose_name_plural": "lines of wallets",
                "ordering": ["wallet", "-number"],
                "constraints": [models.UniqueConstraint(fields=["wallet", "number"], name="wallet_line_number_once")],
                "indexes": [
                    models.Index(
                        fields=["wallet", "number"],
                        condition=Q(code__in=["release", "late_refund"]),
                        name="wallet_line_of_refund",
                    ),
                    models.Index(
                        fields=["wallet", "number"],
                        condition=~Q(code__in=["hold", "release", "late_refund"]),
                        name="wallet_line_of_other",
                    ),
                ],
            },
        ),
        # Last, so that the accounts are locked for no longer than it takes to add a column without values.
        migrations.RunSQL(_wallet_lines.GUARDS + _wallet_lines.POST, BEFORE),
        migrations.RunSQL(_wallet_lines.FIXED_PATHS, DROP_GUARDS),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(ADD_LINES, "ALTER TABLE billing_account DROP COLUMN lines")],
            [
                migrations.AddField(
                    "account",
                    "lines",
                    models.BigIntegerField(db_default=0, default=0, editable=False, verbose_name="lines"),
                )
            ],
        ),
    ]
