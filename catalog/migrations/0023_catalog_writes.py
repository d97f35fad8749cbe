from django.db import migrations

#: A statement that wrote no row is none: a sync without news would make every process read the catalog anew.
NOTE = """
CREATE FUNCTION catalog_note_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO catalog_catalogwrite DEFAULT VALUES;
    ELSIF EXISTS (SELECT FROM written) THEN
        INSERT INTO catalog_catalogwrite DEFAULT VALUES;
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE
    noted text;
BEGIN
    EXECUTE format('ALTER FUNCTION catalog_note_write() SET search_path = pg_catalog, %I, pg_temp', current_schema());
    FOREACH noted IN ARRAY ARRAY['catalog_service', 'catalog_providerservice', 'catalog_category'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %1$s_inserted AFTER INSERT ON %1$I REFERENCING NEW TABLE AS written
                 FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_write();
             CREATE TRIGGER %1$s_updated AFTER UPDATE ON %1$I REFERENCING NEW TABLE AS written
                 FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_write();
             CREATE TRIGGER %1$s_deleted AFTER DELETE ON %1$I REFERENCING OLD TABLE AS written
                 FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_write();
             CREATE TRIGGER %1$s_truncated AFTER TRUNCATE ON %1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_write()',
            noted
        );
    END LOOP;
END $$;
"""
FORGET = "DROP FUNCTION catalog_note_write() CASCADE;"


class Migration(migrations.Migration):
    """Triggers that note each write of the catalog, so that whether it has changed is read without reading it."""

    dependencies = [("catalog", "0022_category_text_and_writes")]

    operations = [migrations.RunSQL(NOTE, FORGET)]
