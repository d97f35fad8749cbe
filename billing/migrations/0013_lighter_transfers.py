from django.db import migrations, models

from billing.migrations import _wallet_lines


def own_column(model: str, name: str, verbose_name: str, related_name: str) -> migrations.AlterField:
    return migrations.AlterField(
        model,
        name,
        models.ForeignKey(
            db_constraint=False,
            db_index=False,
            on_delete=models.DO_NOTHING,
            related_name=related_name,
            to="billing.account",
            verbose_name=verbose_name,
        ),
    )


def without_index(column: str, name: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON billing_transfer ({column})",
    )


def without_key(table: str, column: str, name: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES billing_account (id)"
        " DEFERRABLE INITIALLY DEFERRED NOT VALID",
    )


class Migration(migrations.Migration):
    """What a transfer is checked for twice costs every order. Each statement locks for a moment, and a repeat does none.

    The foreign keys to accounts locked the account of held money for each order, among all that are placed at once. The
    trigger of a transfer looks for both accounts itself, and a new guard keeps every account that has moved money. Half
    of all transfers have one account on either side: the indexes of these columns found next to nothing.
    """

    atomic = False

    dependencies = [("billing", "0012_lines_by_transfer_only")]

    operations = [
        migrations.RunSQL(_wallet_lines.ACCOUNTS_ARE_KEPT, _wallet_lines.ACCOUNTS_ARE_NOT_KEPT),
        migrations.SeparateDatabaseAndState(
            [
                without_index("source_id", "billing_transfer_source_id_a8023551"),
                without_index("target_id", "billing_transfer_target_id_993fa61c"),
                without_key(
                    "billing_transfer", "source_id", "billing_transfer_source_id_a8023551_fk_billing_account_id"
                ),
                without_key(
                    "billing_transfer", "target_id", "billing_transfer_target_id_993fa61c_fk_billing_account_id"
                ),
                without_key("billing_hold", "wallet_id", "billing_hold_wallet_id_0763e881_fk_billing_account_id"),
            ],
            [
                own_column("transfer", "source", "from", "transfers_out"),
                own_column("transfer", "target", "to", "transfers_in"),
                own_column("hold", "wallet", "wallet", "holds"),
            ],
        ),
    ]
