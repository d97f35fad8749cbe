from django.db import migrations


class Migration(migrations.Migration):
    """The trigger of a transfer finds a wallet's last line by index, whatever it believes of the table's size.

    A connection keeps the plan of its first transfers. In a young shop that plan was to read all lines, a few then, and
    it stayed as they became many: 12,000 orders read 67,000,000 lines. A function that is written anew loses this.
    """

    dependencies = [("billing", "0014_flat_as_it_grows")]

    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION billing_transfer_post() SET enable_seqscan = off",
            "ALTER FUNCTION billing_transfer_post() RESET enable_seqscan",
        )
    ]
