from django.db import migrations

CREATE = """
CREATE FUNCTION catalog_refresh_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET default_statistics_target = 20 AS $$
BEGIN
    ANALYZE catalog_providerservice (id, provider_id, external_id, vanished_at, quarantine),
            catalog_service (id, source_id, category_id, is_visible, price, position, platform),
            catalog_category;
END $$;
"""


class Migration(migrations.Migration):
    """Runs as the owner of the tables, the only role that may refresh their statistics before Postgres 17."""

    dependencies = [("catalog", "0014_product_before")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION catalog_refresh_statistics()")]
