from django.db import migrations

TABLES = ("billing_account", "billing_transfer", "billing_hold")

CREATE = """
CREATE FUNCTION billing_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never truncated', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'money_is_never_truncated';
END $$;
""" + "".join(
    f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();\n"
    for table in TABLES
)
DROP = "".join(f"DROP TRIGGER {table}_no_truncate ON {table};\n" for table in TABLES)
DROP += "DROP FUNCTION billing_no_truncate();"


class Migration(migrations.Migration):
    """The guards of rows do not see a TRUNCATE, which would have passed them all."""

    dependencies = [("billing", "0005_plain_labels")]

    operations = [migrations.RunSQL(CREATE, DROP)]
