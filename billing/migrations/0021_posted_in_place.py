from django.db import migrations

from billing.migrations import _posting_in_place
from billing.migrations._gateways import fixed_paths


class Migration(migrations.Migration):
    """Many orders of one wallet in one transaction cost as much each as one alone. No row is read or written."""

    dependencies = [("billing", "0020_transfer_by_time")]

    operations = [
        migrations.RunSQL(
            _posting_in_place.POST + fixed_paths("billing_transfer_post") + _posting_in_place.BY_INDEX,
            _posting_in_place.POST_BEFORE + fixed_paths("billing_transfer_post") + _posting_in_place.BY_INDEX,
        ),
    ]
