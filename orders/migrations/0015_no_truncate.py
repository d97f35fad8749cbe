from django.db import migrations

#: Every table with a guard that refuses to delete a row.
TABLES = (
    "orders_order",
    "orders_forwardattempt",
    "orders_refillattempt",
    "orders_ownid",
    "orders_providerexchange",
    "orders_orderevent",
    "orders_providerentry",
    "orders_balancereading",
    "orders_reconciliationbreak",
    "orders_thawscan",
)

CREATE = """
CREATE FUNCTION orders_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never truncated', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_are_never_truncated';
END $$;
""" + "".join(
    f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION orders_no_truncate();\n"
    for table in TABLES
)
DROP = "".join(f"DROP TRIGGER {table}_no_truncate ON {table};\n" for table in TABLES)
DROP += "DROP FUNCTION orders_no_truncate();"


class Migration(migrations.Migration):
    """The guards of rows do not see a TRUNCATE, which would have passed them all."""

    dependencies = [("orders", "0014_plain_labels")]

    operations = [migrations.RunSQL(CREATE, DROP)]
