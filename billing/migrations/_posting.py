"""What posts a transfer, with the rights of the tables' owner. Frozen: a change comes as a new migration.

The shop's role may change neither a balance nor a hold itself (`storefront/database_roles.py`), and no temporary table of
its session is mistaken for one of the shop's: the schema for those comes last.
"""

#: The same triggers fire it as before. Whoever may call it could make it the trigger of a table of their own, and post
#: what no transfer says: so nobody else may, and it looks which table it is called for.
POST = """
CREATE OR REPLACE FUNCTION billing_transfer_post() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    source_kind text;
    target_kind text;
BEGIN
    IF TG_RELID <> 'billing_transfer'::regclass THEN
        RAISE EXCEPTION '% is no table of transfers', TG_RELID::regclass
            USING ERRCODE = 'check_violation', CONSTRAINT = 'posted_by_transfer_only';
    END IF;
    SELECT kind INTO source_kind FROM billing_account WHERE id = NEW.source_id;
    SELECT kind INTO target_kind FROM billing_account WHERE id = NEW.target_id;
    IF NOT (CASE NEW.code
        WHEN 'hold'            THEN source_kind = 'wallet'  AND target_kind = 'held'
        WHEN 'settle'          THEN source_kind = 'held'    AND target_kind = 'revenue'
        WHEN 'release'         THEN source_kind = 'held'    AND target_kind = 'wallet'
        WHEN 'late_refund'     THEN source_kind = 'revenue' AND target_kind = 'wallet'
        WHEN 'topup'           THEN source_kind = 'gateway' AND target_kind = 'wallet'
        WHEN 'bonus'           THEN source_kind = 'bonus'   AND target_kind = 'wallet'
        WHEN 'credit'          THEN source_kind IN ('owner', 'adjustment') AND target_kind = 'wallet'
        WHEN 'debit'           THEN source_kind = 'wallet'  AND target_kind IN ('owner', 'adjustment')
        WHEN 'chargeback'      THEN source_kind = 'wallet'  AND target_kind = 'gateway'
        WHEN 'chargeback_loss' THEN source_kind = 'loss'    AND target_kind = 'gateway'
        WHEN 'fee'             THEN source_kind = 'fees'    AND target_kind = 'gateway'
        ELSE false
    END) THEN
        RAISE EXCEPTION 'transfer %: % does not go from % to %', NEW.key, NEW.code, source_kind, target_kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_code_fits_accounts';
    END IF;

    IF source_kind = 'wallet' THEN
        UPDATE billing_account SET balance = balance - NEW.amount WHERE id = NEW.source_id;
    END IF;
    IF target_kind = 'wallet' THEN
        UPDATE billing_account SET balance = balance + NEW.amount WHERE id = NEW.target_id;
    END IF;

    IF NEW.code = 'hold' THEN
        INSERT INTO billing_hold (reference, wallet_id, charged, earned, refunded)
        VALUES (NEW.reference, NEW.source_id, NEW.amount, 0, 0);
    ELSIF NEW.code = 'settle' THEN
        UPDATE billing_hold SET earned = earned + NEW.amount WHERE reference = NEW.reference;
    ELSIF NEW.code = 'release' THEN
        UPDATE billing_hold SET refunded = refunded + NEW.amount
        WHERE reference = NEW.reference AND wallet_id = NEW.target_id;
    ELSIF NEW.code = 'late_refund' THEN
        UPDATE billing_hold SET earned = earned - NEW.amount, refunded = refunded + NEW.amount
        WHERE reference = NEW.reference AND wallet_id = NEW.target_id;
    ELSE
        RETURN NULL;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'transfer %: there is no hold % of that wallet', NEW.key, NEW.reference
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_names_a_hold';
    END IF;
    RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION billing_transfer_post() FROM PUBLIC;
"""

FIXED_PATHS = """
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY[
        'billing_transfer_post', 'billing_transfer_is_final', 'billing_account_guard', 'billing_hold_guard',
        'billing_no_truncate'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp', guard, current_schema());
    END LOOP;
END $$;
"""
