"""What posts a transfer and finds the wallet where the transaction left it. Frozen: a change is a new migration.

Each transfer leaves a new version of the wallet's row, and looking it up by its id passes all earlier versions of the
same transaction: ten thousand orders placed together passed fifty million. So the place of the newest one is noted for
the transaction. It is only a hint, which anybody may set: the row that is found there has to be the wallet.
"""

from billing.migrations import _deposits
from billing.migrations._gateways import _changed

POST = _changed(
    _deposits.POST,
    ("    after numeric;\n", "    after numeric;\n    place tid;\n"),
    (
        "    SELECT s.kind, t.kind INTO source_kind, target_kind FROM billing_account s, billing_account t\n"
        "    WHERE s.id = NEW.source_id AND t.id = NEW.target_id;\n",
        "    IF NEW.code = 'hold' THEN\n"
        "        place := nullif(current_setting('permille.wallet_at', true), '')::tid;\n"
        "    END IF;\n"
        "    IF place IS NOT NULL THEN\n"
        "        SELECT s.kind, t.kind INTO source_kind, target_kind FROM billing_account s, billing_account t\n"
        "        WHERE s.ctid = place AND s.id = NEW.source_id AND t.id = NEW.target_id;\n"
        "    END IF;\n"
        "    IF place IS NULL OR NOT FOUND THEN\n"
        "        place := NULL;\n"
        "        SELECT s.kind, t.kind INTO source_kind, target_kind FROM billing_account s, billing_account t\n"
        "        WHERE s.id = NEW.source_id AND t.id = NEW.target_id;\n"
        "    END IF;\n",
    ),
    (
        "        UPDATE billing_account SET balance = balance + change, lines = lines + 1 WHERE id = wallet\n"
        "        RETURNING balance, lines, held_until INTO after, line, held_to;\n"
        "        IF NOT FOUND THEN\n",
        "        IF place IS NOT NULL THEN\n"
        "            UPDATE billing_account SET balance = balance + change, lines = lines + 1\n"
        "            WHERE ctid = place AND id = wallet\n"
        "            RETURNING balance, lines, held_until, ctid INTO after, line, held_to, place;\n"
        "        END IF;\n"
        "        IF place IS NULL OR NOT FOUND THEN\n"
        "            UPDATE billing_account SET balance = balance + change, lines = lines + 1 WHERE id = wallet\n"
        "            RETURNING balance, lines, held_until, ctid INTO after, line, held_to, place;\n"
        "        END IF;\n"
        "        IF NEW.code = 'hold' THEN\n"
        "            PERFORM set_config('permille.wallet_at', coalesce(place::text, ''), true);\n"
        "        END IF;\n"
        "        IF place IS NULL THEN\n",
    ),
)
POST_BEFORE = _deposits.POST
BY_INDEX = _deposits.BY_INDEX
