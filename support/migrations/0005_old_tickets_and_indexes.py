from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

_BATCH = 5_000
#: A ticket with a message is right already. By id, as there is no mark of those that are done.
_FILL = """
    UPDATE support_ticket t
    SET last_at = created_at, waits_since = CASE WHEN closed_at IS NULL THEN created_at END
    WHERE id > %s AND id <= %s AND NOT EXISTS (SELECT FROM support_ticketmessage m WHERE m.ticket_id = t.id)
"""
#: What an interrupted run left, so that the migration can run again.
_LEFT = [
    "DROP INDEX CONCURRENTLY IF EXISTS ticket_of_customer",
    "DROP INDEX CONCURRENTLY IF EXISTS ticket_unread",
    "DROP INDEX CONCURRENTLY IF EXISTS ticket_waits",
    "ALTER TABLE support_ticket DROP CONSTRAINT IF EXISTS ticket_closed_waits_not",
]


def fill_in(apps: Any, schema_editor: Any) -> None:
    """Give each ticket the time of its last message, and those that are open their place in the queue, in batches."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM support_ticket")
        [last] = cursor.fetchone()
        for after in range(0, last, _BATCH):
            cursor.execute(_FILL, [after, after + _BATCH])


class Migration(migrations.Migration):
    """Fill in the tickets that are there and build their indexes while the shop runs."""

    atomic = False

    dependencies = [("support", "0004_customer_notes")]

    operations = [
        *(migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in _LEFT),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
        AddIndexConcurrently(
            "ticket", models.Index(fields=["customer", "-last_at", "-id"], name="ticket_of_customer")
        ),
        AddIndexConcurrently(
            "ticket", models.Index(fields=["customer"], condition=Q(is_unread=True), name="ticket_unread")
        ),
        AddIndexConcurrently(
            "ticket",
            models.Index(fields=["waits_since"], condition=Q(waits_since__isnull=False), name="ticket_waits"),
        ),
        AddConstraintNotValid(
            "ticket",
            constraint=models.CheckConstraint(
                condition=Q(closed_at=None) | Q(waits_since=None), name="ticket_closed_waits_not"
            ),
        ),
        ValidateConstraint("ticket", name="ticket_closed_waits_not"),
    ]
