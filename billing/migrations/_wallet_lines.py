"""The lines of wallets, in SQL: their guards, and the trigger that writes them. Frozen: a change is a new migration.

The balance is moved first, which locks the wallet until the commit. Everything after that happens in the order of the
lock: the number of the line, its time, and its sums.
"""

#: A wallet whose ``lines`` are NULL has a history that is not filled in yet, and gets no line meanwhile.
POST = """
CREATE OR REPLACE FUNCTION billing_transfer_post() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    source_kind text;
    target_kind text;
    wallet bigint;
    change numeric;
    after numeric;
    line bigint;
BEGIN
    IF TG_RELID <> 'billing_transfer'::regclass THEN
        RAISE EXCEPTION '% is no table of transfers', TG_RELID::regclass
            USING ERRCODE = 'check_violation', CONSTRAINT = 'posted_by_transfer_only';
    END IF;
    SELECT s.kind, t.kind INTO source_kind, target_kind FROM billing_account s, billing_account t
    WHERE s.id = NEW.source_id AND t.id = NEW.target_id;
    IF NOT coalesce(CASE NEW.code
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
    END, false) THEN
        RAISE EXCEPTION 'transfer %: % does not go from % to %', NEW.key, NEW.code, source_kind, target_kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_code_fits_accounts';
    END IF;

    -- No code goes from wallet to wallet.
    IF source_kind = 'wallet' THEN
        wallet := NEW.source_id;
        change := -NEW.amount;
    ELSIF target_kind = 'wallet' THEN
        wallet := NEW.target_id;
        change := NEW.amount;
    END IF;
    IF wallet IS NOT NULL THEN
        UPDATE billing_account SET balance = balance + change, lines = lines + 1 WHERE id = wallet
        RETURNING balance, lines INTO after, line;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'transfer %: its wallet was deleted meanwhile', NEW.key
                USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_code_fits_accounts';
        END IF;
        IF line IS NOT NULL THEN
            INSERT INTO billing_walletline
                (transfer_id, wallet_id, number, code, at, balance, added, spent, refunded, taken)
            SELECT NEW.id, wallet, line, NEW.code, greatest(clock_timestamp(), last.at), after,
                   coalesce(last.added, 0)
                   + CASE WHEN NEW.code IN ('credit', 'topup', 'bonus') THEN NEW.amount ELSE 0 END,
                   coalesce(last.spent, 0) + CASE WHEN NEW.code = 'hold' THEN NEW.amount ELSE 0 END,
                   coalesce(last.refunded, 0)
                   + CASE WHEN NEW.code IN ('release', 'late_refund') THEN NEW.amount ELSE 0 END,
                   coalesce(last.taken, 0) + CASE WHEN NEW.code IN ('debit', 'chargeback') THEN NEW.amount ELSE 0 END
            FROM (VALUES (1)) one (row)
            LEFT JOIN billing_walletline last ON last.wallet_id = wallet AND last.number = line - 1;
        END IF;
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
"""

GUARDS = """
CREATE FUNCTION billing_walletline_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'lines of wallets are written by transfers and never changed or deleted'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'wallet_line_is_final';
END $$;

CREATE TRIGGER billing_walletline_guard BEFORE UPDATE OR DELETE ON billing_walletline
    FOR EACH ROW EXECUTE FUNCTION billing_walletline_guard();
CREATE TRIGGER billing_walletline_no_truncate BEFORE TRUNCATE ON billing_walletline
    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();

CREATE OR REPLACE FUNCTION billing_account_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.balance <> 0 OR NEW.lines <> 0 THEN
            RAISE EXCEPTION 'an account starts at 0' USING ERRCODE = 'check_violation', CONSTRAINT = 'balance_by_transfer_only';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.kind <> OLD.kind OR NEW.customer_id IS DISTINCT FROM OLD.customer_id THEN
        RAISE EXCEPTION 'an account keeps its kind and its customer'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_is_whose_it_is';
    END IF;
    -- Depth 1 is this trigger itself: an update that came from the trigger of a transfer runs at depth 2. Lines that are
    -- NULL are those of a history that is being filled in.
    IF (NEW.balance IS DISTINCT FROM OLD.balance OR NEW.lines IS DISTINCT FROM OLD.lines AND OLD.lines IS NOT NULL)
       AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'only a transfer changes a balance'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balance_by_transfer_only';
    END IF;
    RETURN NEW;
END $$;
"""

#: For writes by hand, the owner's too; the trigger of a transfer writes at depth 1. Made once all history is filled in.
NO_LINE_BY_HAND = """
CREATE TRIGGER billing_walletline_by_transfer_only BEFORE INSERT ON billing_walletline
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION billing_walletline_guard();
"""

#: A wallet that never had a line may go with its customer.
ACCOUNTS_ARE_KEPT = """
CREATE FUNCTION billing_account_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.kind <> 'wallet' OR OLD.lines <> 0 THEN
        RAISE EXCEPTION 'an account that has moved money is never deleted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_is_kept';
    END IF;
    RETURN OLD;
END $$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION billing_account_is_kept() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
CREATE TRIGGER billing_account_is_kept BEFORE DELETE ON billing_account
    FOR EACH ROW EXECUTE FUNCTION billing_account_is_kept();
"""
ACCOUNTS_ARE_NOT_KEPT = """
DROP TRIGGER billing_account_is_kept ON billing_account;
DROP FUNCTION billing_account_is_kept();
"""

#: A function that is written anew has lost its path.
FIXED_PATHS = """
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY[
        'billing_transfer_post', 'billing_account_guard', 'billing_walletline_guard'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp', guard, current_schema());
    END LOOP;
END $$;
"""
