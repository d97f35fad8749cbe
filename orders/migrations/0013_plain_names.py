"""Columns and tables get plain names. Only names and labels change: no row is read or written."""

from django.db import migrations
from django.db.migrations.operations.base import Operation

MODELS = [
    ("PollDesk", "PollSchedule"),
    ("ProbeDesk", "ProbeSchedule"),
    ("ReconciliationDesk", "ReconciliationSchedule"),
    ("SendingGate", "BreakerState"),
]

# Renaming a table leaves the old name in what belongs to it: its constraints with their indexes, and its sequence.
RENAME_PARTS = """
DO $$
DECLARE
    part record;
BEGIN
    FOR part IN SELECT conname FROM pg_constraint
                WHERE conrelid = 'orders_{new}'::regclass AND starts_with(conname, 'orders_{old}_') LOOP
        EXECUTE format('ALTER TABLE orders_{new} RENAME CONSTRAINT %I TO %I',
                       part.conname, replace(part.conname, 'orders_{old}_', 'orders_{new}_'));
    END LOOP;
    IF to_regclass('orders_{old}_id_seq') IS NOT NULL THEN
        ALTER SEQUENCE orders_{old}_id_seq RENAME TO orders_{new}_id_seq;
    END IF;
END $$;
"""


def rename_model(old: str, new: str) -> list[Operation]:
    forward = RENAME_PARTS.format(old=old.lower(), new=new.lower())
    backward = RENAME_PARTS.format(old=new.lower(), new=old.lower())
    # The parts follow the table: after it on the way forward, and after it on the way back as well.
    return [
        migrations.RunSQL(migrations.RunSQL.noop, backward),
        migrations.RenameModel(old, new),
        migrations.RunSQL(forward, migrations.RunSQL.noop),
    ]


class Migration(migrations.Migration):
    dependencies = [("orders", "0012_refunded")]

    operations = [
        migrations.RenameField("order", "heard_at", "answered_at"),
        migrations.RenameField("order", "heard_currency", "answered_currency"),
        migrations.RenameField("childorder", "heard_at", "answered_at"),
        migrations.RenameField("forwardattempt", "heard_id", "unconfirmed_id"),
        migrations.RenameField("refillattempt", "heard_id", "unconfirmed_id"),
        migrations.RenameField("providerexchange", "said", "transcript"),
        migrations.RenameField("sendinggate", "shut_at", "tripped_at"),
        migrations.RenameField("sendinggate", "shut_because", "tripped_because"),
        migrations.RenameField("sendinggate", "opened_at", "reset_at"),
        *(operation for old, new in MODELS for operation in rename_model(old, new)),
    ]
