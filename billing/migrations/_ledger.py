"""The triggers of the ledger, in SQL. Frozen: a change comes as a new migration, never as an edit."""

CREATE = """
CREATE FUNCTION billing_transfer_post() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    source_kind text;
    target_kind text;
BEGIN
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

CREATE TRIGGER billing_transfer_post AFTER INSERT ON billing_transfer
    FOR EACH ROW EXECUTE FUNCTION billing_transfer_post();

CREATE FUNCTION billing_transfer_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'transfers are never changed or deleted: post a new one the other way'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_is_final';
END $$;

CREATE TRIGGER billing_transfer_is_final BEFORE UPDATE OR DELETE ON billing_transfer
    FOR EACH ROW EXECUTE FUNCTION billing_transfer_is_final();

CREATE FUNCTION billing_account_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.balance <> 0 THEN
            RAISE EXCEPTION 'an account starts at 0' USING ERRCODE = 'check_violation', CONSTRAINT = 'balance_by_transfer_only';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.kind <> OLD.kind OR NEW.customer_id IS DISTINCT FROM OLD.customer_id THEN
        RAISE EXCEPTION 'an account keeps its kind and its customer'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_is_whose_it_is';
    END IF;
    -- Depth 1 is this trigger itself: an update that came from the trigger of a transfer runs at depth 2.
    IF NEW.balance IS DISTINCT FROM OLD.balance AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only a transfer changes a balance'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balance_by_transfer_only';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER billing_account_guard BEFORE INSERT OR UPDATE ON billing_account
    FOR EACH ROW EXECUTE FUNCTION billing_account_guard();

CREATE FUNCTION billing_hold_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only a transfer changes a hold' USING ERRCODE = 'check_violation', CONSTRAINT = 'hold_by_transfer_only';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.charged <> OLD.charged OR NEW.wallet_id <> OLD.wallet_id OR NEW.reference <> OLD.reference) THEN
        RAISE EXCEPTION 'a hold keeps its charge and its wallet'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hold_by_transfer_only';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER billing_hold_guard BEFORE INSERT OR UPDATE OR DELETE ON billing_hold
    FOR EACH ROW EXECUTE FUNCTION billing_hold_guard();
"""

DROP = """
DROP TRIGGER billing_hold_guard ON billing_hold;
DROP FUNCTION billing_hold_guard();
DROP TRIGGER billing_account_guard ON billing_account;
DROP FUNCTION billing_account_guard();
DROP TRIGGER billing_transfer_is_final ON billing_transfer;
DROP FUNCTION billing_transfer_is_final();
DROP TRIGGER billing_transfer_post ON billing_transfer;
DROP FUNCTION billing_transfer_post();
"""
