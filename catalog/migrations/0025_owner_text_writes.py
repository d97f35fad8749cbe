from django.db import migrations

NOTE = """
CREATE TRIGGER core_ownertext_inserted AFTER INSERT ON core_ownertext REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_write();
CREATE TRIGGER core_ownertext_updated AFTER UPDATE ON core_ownertext REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_write();
CREATE TRIGGER core_ownertext_deleted AFTER DELETE ON core_ownertext REFERENCING OLD TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_write();
CREATE TRIGGER core_ownertext_truncated AFTER TRUNCATE ON core_ownertext
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_write();
"""
FORGET = "".join(
    f"DROP TRIGGER core_ownertext_{done} ON core_ownertext;" for done in ("inserted", "updated", "deleted", "truncated")
)


class Migration(migrations.Migration):
    """Names in other languages are a part of what a process keeps of the catalog."""

    dependencies = [("catalog", "0024_order_rules_and_same_link"), ("core", "0007_owner_texts")]

    operations = [migrations.RunSQL(NOTE, FORGET)]
