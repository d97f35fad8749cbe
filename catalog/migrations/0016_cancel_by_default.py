from typing import Any

from django.db import migrations, models


def switch_on(apps: Any, schema_editor: Any) -> None:
    """Switch cancellations on where they were off by default only: not by a person, nor after the provider's answer."""
    provider, alert = apps.get_model("catalog", "Provider"), apps.get_model("notices", "Alert")
    by_staff = apps.get_model("core", "StaffAction").objects.filter(object_type="catalog.provider")
    for pk in provider.objects.filter(can_cancel=False).values_list("pk", flat=True):
        was_chosen = by_staff.filter(object_id=str(pk), after__has_key="can_cancel").exists()
        was_unknown = alert.objects.filter(cause=f"provider:{pk}:can_cancel").exists()
        if not was_chosen and not was_unknown:
            provider.objects.filter(pk=pk).update(can_cancel=True)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0015_refresh_statistics"),
        ("core", "0002_staff_actions_and_settings"),
        ("notices", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="provider",
            name="can_cancel",
            field=models.BooleanField(
                default=True,
                help_text="Customers may ask to cancel orders of services whose row in the list allows it. It is only a "
                "request: money moves when the provider says that an order is canceled.",
                verbose_name="supports cancellations",
            ),
        ),
        migrations.RunPython(switch_on, migrations.RunPython.noop),
    ]
