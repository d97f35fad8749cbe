from django.db import migrations, models

import core.money

#: The guard of orders as it was, but for the link: it may change while the order was never sent.
GUARD = """
CREATE OR REPLACE FUNCTION orders_order_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'orders are never deleted' USING ERRCODE = 'check_violation', CONSTRAINT = 'order_is_kept';
    END IF;
    IF NEW.forward_state <> OLD.forward_state AND NOT (CASE OLD.forward_state
        WHEN 'queued'   THEN NEW.forward_state IN ('claimed', 'refunded')
        WHEN 'claimed'  THEN NEW.forward_state IN ('queued', 'sending')
        WHEN 'sending'  THEN NEW.forward_state IN ('placed', 'refused', 'queued', 'in_doubt')
        WHEN 'in_doubt' THEN NEW.forward_state IN ('placed', 'queued', 'refunded', 'review')
        WHEN 'review'   THEN NEW.forward_state IN ('placed', 'queued', 'refunded')
        ELSE false
    END) THEN
        RAISE EXCEPTION 'order %: forwarding does not go from % to %', OLD.id, OLD.forward_state, NEW.forward_state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_forward_moves';
    END IF;
    IF (NEW.customer_id, NEW.service_id, NEW.provider_id, NEW.external_service_id, NEW.quantity, NEW.total,
        NEW.price, NEW.charge, NEW.expected_cost, NEW.created_at)
       IS DISTINCT FROM
       (OLD.customer_id, OLD.service_id, OLD.provider_id, OLD.external_service_id, OLD.quantity, OLD.total,
        OLD.price, OLD.charge, OLD.expected_cost, OLD.created_at) THEN
        RAISE EXCEPTION 'order %: what was bought never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_terms_are_final';
    END IF;
    IF (NEW.link, NEW.fields) IS DISTINCT FROM (OLD.link, OLD.fields) THEN
        IF OLD.link = '' OR NEW.link = '' OR NEW.fields - 'link' <> OLD.fields - 'link'
           OR NEW.fields->>'link' IS DISTINCT FROM NEW.link THEN
            RAISE EXCEPTION 'order %: what was bought never changes, but for its link', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'order_terms_are_final';
        END IF;
        IF OLD.forward_state <> 'queued' OR NEW.forward_state <> 'queued' OR EXISTS (
            SELECT FROM orders_forwardattempt a
            WHERE a.order_id = OLD.id AND (a.sent_at IS NOT NULL OR a.outcome NOT IN ('released', 'not_sent'))
        ) THEN
            RAISE EXCEPTION 'order %: the link of what may have been sent never changes', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'order_link_is_final_once_sent';
        END IF;
    END IF;
    IF OLD.upstream_id IS NOT NULL AND NEW.upstream_id IS DISTINCT FROM OLD.upstream_id THEN
        RAISE EXCEPTION 'order %: its id at the provider never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_upstream_id_is_final';
    END IF;
    RETURN NEW;
END $$;
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION orders_order_guard() SET search_path = pg_catalog, %I, pg_temp', current_schema()
    );
END $$;
"""


class Migration(migrations.Migration):
    """Let the owner change the link of an order that was never sent, and keep what was refunded by hand.

    One function is replaced, and one column is added with a default in the database: no row is written.
    """

    dependencies = [("orders", "0031_api_key")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="refunded_by_hand",
            field=core.money.AmountField(
                db_default=0, decimal_places=5, default=0, max_digits=20, verbose_name="refunded by hand"
            ),
        ),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='orderevent',
            name='kind',
            field=models.CharField(choices=[('accepted', 'Accepted from the customer'), ('requeued', 'Queued again'), ('sent', 'Sent to the provider'), ('delayed', 'Kept for later'), ('doubted', 'Answer lost'), ('placed', 'Placed at the provider'), ('refused', 'Refused by the provider'), ('refunded', 'Refunded unsent'), ('started', 'Started'), ('moved', 'State changed'), ('finished', 'Finished'), ('returned', 'Refund'), ('remark', 'Note for the owner'), ('refill_asked', 'Refill asked for'), ('refill_requested', 'Refill passed on'), ('refill_doubted', 'Refill answer lost'), ('refill_done', 'Refilled'), ('refill_declined', 'Refill declined'), ('refill_closed', 'Refill never answered'), ('cancel_asked', 'Cancellation asked for'), ('cancel_requested', 'Cancellation passed on'), ('cancel_declined', 'Cancellation declined'), ('decided', 'Decided by a person'), ('link_changed', 'Link changed')], max_length=20, verbose_name='what'),
        ),
    ]
