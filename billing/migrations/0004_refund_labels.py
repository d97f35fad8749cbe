from django.db import migrations, models

import core.money


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_lighter_writes")]

    operations = [
        migrations.AlterField(
            "hold",
            "refunded",
            core.money.AmountField(
                db_default=0, decimal_places=5, default=0, max_digits=20, verbose_name="refunded"
            ),
        ),
        migrations.AlterField(
            "transfer",
            "code",
            models.CharField(
                choices=[
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
                ],
                max_length=16,
                verbose_name="code",
            ),
        ),
    ]
