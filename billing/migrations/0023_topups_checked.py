from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Check the rows that were there before two constraints of 0019, while the shop writes on."""

    dependencies = [("billing", "0022_refunds_by_hand")]

    operations = [
        ValidateConstraint("topup", name="topup_amounts_sane"),
        ValidateConstraint("topup", name="topup_never_over_credited"),
    ]
