from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now

GUARD = """
CREATE FUNCTION core_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'append_only';
END $$;
CREATE TRIGGER core_staffaction_append_only BEFORE UPDATE OR DELETE ON core_staffaction
    FOR EACH ROW EXECUTE FUNCTION core_append_only();
CREATE TRIGGER core_staffaction_no_truncate BEFORE TRUNCATE ON core_staffaction
    FOR EACH STATEMENT EXECUTE FUNCTION core_append_only();
"""
DROP = """
DROP TRIGGER core_staffaction_no_truncate ON core_staffaction;
DROP TRIGGER core_staffaction_append_only ON core_staffaction;
DROP FUNCTION core_append_only();
"""
#: A shop with customers was open before this table was there. On a new database neither table exists yet.
HAS_CUSTOMERS = "SELECT EXISTS (SELECT 1 FROM accounts_user WHERE NOT is_staff)"


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('accounts_user') IS NOT NULL")
        [has_people] = cursor.fetchone()
        was_open = False
        if has_people:
            cursor.execute(HAS_CUSTOMERS)
            [was_open] = cursor.fetchone()
    apps.get_model("core", "ShopSettings").objects.create(
        pk=1,
        name=settings.SHOP_NAME[:60],
        contact_email=settings.CONTACT_EMAIL,
        currency=settings.SHOP_CURRENCY,
        opened_at=Now() if was_open else None,
    )


class Migration(migrations.Migration):
    """What staff did, append-only; and what the owner says about the shop, which begins with the environment's words."""

    dependencies = [("core", "0001_cache_table")]

    operations = [
        migrations.CreateModel(
            name="StaffAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=Now(), editable=False, verbose_name="time")),
                ("actor", models.CharField(max_length=40, verbose_name="by")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="from")),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="request")),
                ("action", models.CharField(max_length=60, verbose_name="action")),
                ("object_type", models.CharField(max_length=80, verbose_name="kind of object")),
                ("object_id", models.CharField(max_length=80, verbose_name="object")),
                ("object_name", models.CharField(blank=True, max_length=200, verbose_name="name then")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("before", models.JSONField(default=dict, encoder=DjangoJSONEncoder, verbose_name="before")),
                ("after", models.JSONField(default=dict, encoder=DjangoJSONEncoder, verbose_name="after")),
            ],
            options={
                "verbose_name": "staff action",
                "verbose_name_plural": "staff actions",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["object_type", "object_id", "-id"], name="staff_action_by_object"),
                    models.Index(fields=["actor", "-id"], name="staff_action_by_actor"),
                    models.Index(fields=["action", "-id"], name="staff_action_by_action"),
                    models.Index(fields=["at"], name="staff_action_by_time"),
                ],
            },
        ),
        migrations.RunSQL(GUARD, DROP),
        migrations.CreateModel(
            name="ShopSettings",
            fields=[
                ("id", models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(help_text="On every page and in the subject of every mail", max_length=60, verbose_name="name")),
                ("headline", models.CharField(blank=True, help_text="On top of the price list. Empty: the shop's own words.", max_length=120, verbose_name="headline")),
                ("contact_email", models.EmailField(blank=True, help_text="The address for customers to write to", max_length=254, verbose_name="contact")),
                ("sender_name", models.CharField(blank=True, help_text="Empty: the name of the shop", max_length=60, verbose_name="sender of mails")),
                ("signup_is_open", models.BooleanField(default=True, help_text="Off: nobody can sign up. Customers go on as before.", verbose_name="new customers")),
                ("signups_per_hour", models.PositiveIntegerField(default=100, help_text="The most new customers of one hour, over the whole shop. Accounts that nobody verified do not count. 0: no limit.", validators=[MaxValueValidator(100000)], verbose_name="sign-ups in an hour")),
                ("opened_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="open since")),
                ("currency", models.CharField(blank=True, editable=False, max_length=8, verbose_name="currency")),
            ],
            options={
                "verbose_name": "settings of the shop",
                "verbose_name_plural": "settings of the shop",
                "default_permissions": ("change", "view"),
                "constraints": [
                    models.CheckConstraint(condition=Q(id=1), name="shop_settings_one_row"),
                    models.CheckConstraint(condition=~Q(name=""), name="shop_settings_named"),
                    models.CheckConstraint(condition=Q(signups_per_hour__lte=100000), name="shop_settings_signups_sane"),
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
    ]
