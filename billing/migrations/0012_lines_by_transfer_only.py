from django.db import migrations

from billing.migrations import _wallet_lines


class Migration(migrations.Migration):
    """All history is filled in: from now on, every account counts its lines, and only a transfer writes one."""

    dependencies = [("billing", "0011_fill_wallet_lines")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE billing_account ALTER COLUMN lines SET NOT NULL",
            "ALTER TABLE billing_account ALTER COLUMN lines DROP NOT NULL",
        ),
        migrations.RunSQL(
            _wallet_lines.NO_LINE_BY_HAND, "DROP TRIGGER billing_walletline_by_transfer_only ON billing_walletline"
        ),
    ]
