from typing import Any

from django.db import migrations

from billing.migrations import _filling


def fill_in(apps: Any, schema_editor: Any) -> None:
    _filling.fill_in(schema_editor.connection)


class Migration(migrations.Migration):
    """Fill in the lines of the transfers that are there, wallet by wallet, while the shop goes on."""

    atomic = False

    dependencies = [("billing", "0010_wallet_lines")]

    operations = [migrations.RunPython(fill_in, migrations.RunPython.noop)]
