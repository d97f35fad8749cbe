"""The equations of receipts and of what is given once: SQL that shares nothing with the code that writes them."""

from billing.equations import Equation

DOCUMENT_EQUATIONS = [
    Equation(
        "documents",
        "each top-up: receipts − credit notes = what moved to and from its gateway, unless it waits for a thaw",
        "SELECT count(*) FROM billing_topup WHERE keeps_documents",
        """
        SELECT 'top-up ' || u.id,
               format('its receipts say %s, its transfers %s', coalesce(d.said, 0), coalesce(m.moved, 0))
        FROM billing_topup u
        LEFT JOIN (
            SELECT reference, sum(CASE WHEN code IN ('topup', 'topup_fee', 'chargeback_back', 'loss_back')
                                       THEN amount ELSE -amount END) AS moved
            FROM billing_transfer
            WHERE code IN ('topup', 'topup_fee', 'chargeback_back', 'loss_back', 'topup_refund', 'chargeback',
                           'chargeback_loss', 'fee') GROUP BY 1
        ) m ON m.reference = 'topup:' || u.id
        LEFT JOIN (
            SELECT topup_id, sum(CASE kind WHEN 'receipt' THEN amount ELSE -amount END) AS said
            FROM billing_document GROUP BY 1
        ) d ON d.topup_id = u.id
        WHERE coalesce(d.said, 0) <> CASE WHEN u.keeps_documents THEN coalesce(m.moved, 0) ELSE 0 END
          AND NOT EXISTS (SELECT FROM billing_catchup c WHERE c.topup_id = u.id)
        """,
    ),
    Equation(
        "document_numbers",
        "each series of receipts: as many as its last number, which is its counter's",
        "SELECT count(*) FROM billing_documentcounter",
        """
        SELECT 'series ' || coalesce(c.series, d.series),
               format('its counter says %s; it has %s, the last is %s', c.last, d.n, d.newest)
        FROM billing_documentcounter c
        FULL JOIN (SELECT series, count(*) AS n, max(ordinal) AS newest FROM billing_document GROUP BY 1) d
            ON d.series = c.series
        WHERE NOT coalesce(c.last = d.n AND d.n = d.newest, false)
        """,
    ),
    Equation(
        "signup_credits",
        "each credit for a new customer: one transfer = its row, into that customer's wallet",
        "SELECT count(*) FROM billing_signupcredit",
        """
        SELECT t.reference, format('the row says %s, the transfers %s', s.amount, t.amount)
        FROM (
            SELECT reference, sum(amount) AS amount, count(*) AS n, min(target_id) AS wallet FROM billing_transfer
            WHERE starts_with(reference, 'signup:') GROUP BY 1
        ) t
        LEFT JOIN billing_signupcredit s ON 'signup:' || s.customer_id = t.reference
        LEFT JOIN billing_account w ON w.customer_id = s.customer_id
        WHERE NOT coalesce(s.amount = t.amount AND t.n = 1 AND t.wallet = w.id, false)
        """,
    ),
]

#: Their triggers, each with its table.
DOCUMENT_GUARDS = {
    "billing_document_guard": "billing_document",
    "billing_document_no_truncate": "billing_document",
    "billing_documentpdf_guard": "billing_documentpdf",
    "billing_documentpdf_no_truncate": "billing_documentpdf",
    "billing_documentcounter_guard": "billing_documentcounter",
    "billing_documentcounter_no_truncate": "billing_documentcounter",
    "billing_firstbonus_guard": "billing_firstbonus",
    "billing_firstbonus_no_truncate": "billing_firstbonus",
    "billing_signupcredit_guard": "billing_signupcredit",
    "billing_signupcredit_no_truncate": "billing_signupcredit",
    "billing_topup_terms_guard": "billing_topup",
    "billing_spent_voucher_guard": "billing_voucher",
}
