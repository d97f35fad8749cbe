from decimal import Decimal

from django.db import migrations, models
from django.db.models import F, Q

LEAST, MOST = Decimal("0.0"), Decimal("1000000000000.0")


def anew(model, name, condition):
    """The same rule, with constants that are numeric as they stand (`core.money`)."""
    return [
        migrations.RemoveConstraint(model_name=model, name=name),
        migrations.AddConstraint(
            model_name=model, constraint=models.CheckConstraint(condition=condition, name=name)
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_wallet")]

    operations = [
        *anew(
            "account", "wallet_never_negative", Q(balance__gte=LEAST, balance__lt=MOST) | ~Q(kind="wallet")
        ),
        *anew(
            "account",
            "account_wallet_has_customer",
            Q(kind="wallet", customer__isnull=False) | (~Q(kind="wallet") & Q(customer=None, balance=LEAST)),
        ),
        *anew("transfer", "transfer_amount_positive", Q(amount__gt=LEAST, amount__lt=MOST)),
        *anew(
            "hold",
            "hold_never_overdrawn",
            Q(charged__gt=LEAST, charged__lt=MOST, earned__gte=LEAST, refunded__gte=LEAST)
            & Q(charged__gte=F("earned") + F("refunded")),
        ),
        migrations.AlterField(
            model_name="hold",
            name="wallet",
            field=models.ForeignKey(
                db_index=False,
                on_delete=models.PROTECT,
                related_name="holds",
                to="billing.account",
                verbose_name="wallet",
            ),
        ),
        # Made for searches by the beginning of a text, which nobody does here; equality has indexes of its own.
        migrations.RunSQL(
            """
            DROP INDEX IF EXISTS billing_hold_reference_efde3da1_like;
            DROP INDEX IF EXISTS billing_transfer_key_53e80a31_like;
            DROP INDEX IF EXISTS billing_transfer_reference_efd6e204_like;
            """,
            """
            CREATE INDEX billing_hold_reference_efde3da1_like ON billing_hold (reference varchar_pattern_ops);
            CREATE INDEX billing_transfer_key_53e80a31_like ON billing_transfer (key varchar_pattern_ops);
            CREATE INDEX billing_transfer_reference_efd6e204_like ON billing_transfer (reference varchar_pattern_ops);
            """,
        ),
    ]
