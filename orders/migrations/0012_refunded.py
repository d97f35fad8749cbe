"""`Order.returned` becomes `Order.refunded`, as the ledger's hold calls it. Only names change: no row is read or written."""

from decimal import Decimal

from django.db import migrations, models

import core.money


class Migration(migrations.Migration):
    dependencies = [("orders", "0011_probing_pace")]

    operations = [
        migrations.RenameField("order", "returned", "refunded"),
        # Dropping and adding the constraint would read the whole table under an exclusive lock; a rename reads nothing.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE orders_order RENAME CONSTRAINT order_returned_within_charge"
                    " TO order_refunded_within_charge",
                    "ALTER TABLE orders_order RENAME CONSTRAINT order_refunded_within_charge"
                    " TO order_returned_within_charge",
                ),
            ],
            state_operations=[
                migrations.RemoveConstraint("order", "order_returned_within_charge"),
                migrations.AddConstraint(
                    "order",
                    models.CheckConstraint(
                        condition=models.Q(refunded__gte=Decimal("0.0")) & models.Q(refunded__lte=models.F("charge")),
                        name="order_refunded_within_charge",
                    ),
                ),
            ],
        ),
        migrations.AlterField(
            "order",
            "refunded",
            core.money.AmountField(
                db_default=0, decimal_places=5, default=0, max_digits=20, verbose_name="refunded"
            ),
        ),
        migrations.AlterField(
            "orderevent",
            "kind",
            models.CharField(
                choices=[
                    ("accepted", "Accepted from the customer"),
                    ("requeued", "Queued again"),
                    ("sent", "Sent to the provider"),
                    ("delayed", "Kept for later"),
                    ("doubted", "Answer lost"),
                    ("placed", "Placed at the provider"),
                    ("refused", "Refused by the provider"),
                    ("refunded", "Refunded unsent"),
                    ("started", "Started"),
                    ("moved", "State changed"),
                    ("finished", "Finished"),
                    ("returned", "Refund"),
                    ("remark", "Note for the owner"),
                    ("refill_asked", "Refill asked for"),
                    ("refill_requested", "Refill passed on"),
                    ("refill_doubted", "Refill answer lost"),
                    ("refill_done", "Refilled"),
                    ("refill_declined", "Refill declined"),
                    ("refill_closed", "Refill never answered"),
                    ("cancel_asked", "Cancellation asked for"),
                    ("cancel_requested", "Cancellation passed on"),
                    ("cancel_declined", "Cancellation declined"),
                    ("decided", "Decided by a person"),
                ],
                max_length=20,
                verbose_name="what",
            ),
        ),
    ]
