import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

CREATE = """
CREATE FUNCTION billing_open_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_account (kind, name, customer_id, balance, created_at)
    VALUES ('wallet', left(NEW.email, 60), NEW.id, 0, statement_timestamp())
    ON CONFLICT (customer_id) DO NOTHING;
    RETURN NULL;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION billing_open_wallet() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;

CREATE TRIGGER billing_open_wallet AFTER INSERT OR UPDATE OF is_staff ON accounts_user
    FOR EACH ROW WHEN (NOT NEW.is_staff) EXECUTE FUNCTION billing_open_wallet();
"""
DROP = """
DROP TRIGGER billing_open_wallet ON accounts_user;
DROP FUNCTION billing_open_wallet();
"""


class Migration(migrations.Migration):
    """Every customer has a wallet from the moment he exists, whatever program writes his row.

    The trigger runs with the rights of whoever adds the customer: the shop's role may add an account, and the guard of
    accounts refuses one that does not begin at 0. Those who are there already get theirs in the next migration.
    """

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("billing", "0007_posted_as_owner"),
    ]

    operations = [
        migrations.RunSQL(CREATE, DROP),
        # Nothing changes in the database: a wallet goes with its customer, unless money ever moved.
        migrations.AlterField(
            model_name="account",
            name="customer",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="wallet",
                to=settings.AUTH_USER_MODEL,
                verbose_name="customer",
            ),
        ),
    ]
