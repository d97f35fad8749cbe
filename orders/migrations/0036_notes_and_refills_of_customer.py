import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

#: A row that belongs to an order belongs to the order's customer.
CUSTOMER_OF_ORDER = """
CREATE FUNCTION orders_customer_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.customer_id := (SELECT customer_id FROM orders_order WHERE id = NEW.order_id);
    RETURN NEW;
END $$;

DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION orders_customer_of_order() SET search_path = pg_catalog, %I, pg_temp', current_schema()
    );
END $$;

CREATE TRIGGER orders_refill_customer BEFORE INSERT OR UPDATE OF order_id, customer_id ON orders_refill
    FOR EACH ROW EXECUTE FUNCTION orders_customer_of_order();
CREATE TRIGGER orders_ordernote_customer BEFORE INSERT OR UPDATE OF order_id, customer_id ON orders_ordernote
    FOR EACH ROW EXECUTE FUNCTION orders_customer_of_order();
"""
NO_CUSTOMER_OF_ORDER = """
DROP TRIGGER orders_ordernote_customer ON orders_ordernote;
DROP TRIGGER orders_refill_customer ON orders_refill;
DROP FUNCTION orders_customer_of_order();
"""


class Migration(migrations.Migration):
    """A new table, and a nullable column that new rows fill in by themselves: no row is read or written."""

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("orders", "0035_money_days")]

    operations = [
        migrations.AddField(
            model_name="refill",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="customer",
            ),
        ),
        migrations.CreateModel(
            name="OrderNote",
            fields=[
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="own_note",
                        serialize=False,
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="customer",
                    ),
                ),
                ("text", models.CharField(max_length=500, verbose_name="text")),
            ],
            options={
                "verbose_name": "note of a customer",
                "verbose_name_plural": "notes of customers",
                "indexes": [models.Index(fields=["customer", "-order"], name="order_note_of_customer")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True),
                            django.db.models.lookups.LessThanOrEqual(
                                django.db.models.functions.text.Length("text"), 500
                            ),
                        ),
                        name="order_note_bounded",
                    )
                ],
            },
        ),
        migrations.RunSQL(CUSTOMER_OF_ORDER, NO_CUSTOMER_OF_ORDER),
    ]
