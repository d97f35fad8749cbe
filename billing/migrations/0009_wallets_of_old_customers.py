from typing import Any

from django.db import migrations

#: Customers in one transaction.
BATCH = 5_000

_LAST = "SELECT coalesce(max(id), 0) FROM accounts_user"
_FILL_IN = """
    INSERT INTO billing_account (kind, name, customer_id, balance, created_at)
    SELECT 'wallet', left(u.email, 60), u.id, 0, statement_timestamp() FROM accounts_user u
    WHERE u.id > %s AND u.id <= %s AND NOT u.is_staff
        AND NOT EXISTS (SELECT FROM billing_account a WHERE a.customer_id = u.id)
    ON CONFLICT (customer_id) DO NOTHING
"""


def fill_in(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_LAST)
        [last] = cursor.fetchone()
        for start in range(0, last, BATCH):
            cursor.execute(_FILL_IN, [start, start + BATCH])


class Migration(migrations.Migration):
    """Give a wallet to each customer without one, a batch at a time. Nothing waits for it; a repeat adds nothing."""

    atomic = False

    dependencies = [("billing", "0008_wallet_of_each_customer")]

    operations = [migrations.RunPython(fill_in, migrations.RunPython.noop)]
