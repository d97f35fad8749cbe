"""Which faults the machine plays at which call. What a liar says, and what needs a certificate, is played elsewhere."""

from tests.battery.wire_seam import UNREACHABLE
from upstream.simulator.fates import ENDINGS, SPOILED_ANSWERS
from upstream.simulator.faults import FAULTS

#: An id that is another customer's is believed, as any clean answer is; and A3 broken is a profile of its own.
_LIES = frozenset({"id_foreign", "late_beyond_settle"})


def _of(*groups: str) -> list[str]:
    return [name for name, fault in FAULTS.items() if fault.group in groups and name not in _LIES]


#: Done all the same though it is not the fault's habit, or the other way round.
_TURNED = (
    "h500_p", "h502_html_p", "h503_p", "h520_p", "h200_html_p", "h403_challenge_p", "order_float_p", "order_list_p",
    "order_object_p", "order_and_error_p", "order_null_p", "array_for_object_p", "nan_p", "error_empty_p",
    "timeout_after_accept_np", "close_no_answer_np", "rst_no_answer_np", "h504_np", "h200_empty_np", "short_body_np",
)  # fmt: skip
_EARLY = ("rst_on_accept", "close_on_accept", "never_read")

SIZE = tuple(_of("size"))
#: What loses, spoils or delays the answer to any call.
ANY_CALL = (*_of("answer lost", "redirect", "http"), *SIZE, "bad_key")
ADD = (
    *UNREACHABLE,
    *_EARLY,
    *_of("answer lost", "redirect", "http", "add body"),
    *SIZE,
    *_TURNED,
    "balance_drops",
    "refund_in_window",
    "no_funds",
    "bad_key",
    "repriced",
    "error_known:Not enough funds on balance",
    "error_known:You have active order with this link",
    "error_known:Quantity less than minimal 100",
)
#: Those under which a shop that errs buys twice soonest.
#: What stands in an answer to `add` that arrived whole.
BODIES = tuple(name for name in _of("add body") if name != "id_ours")
SHARP = (
    "timeout_after_accept", "close_no_answer", "rst_no_answer", "late_place", "half_status", "drip_headers", "r307",
    "h504", "h504_np", "repriced", "connect_timeout", "close_no_answer_np",
)  # fmt: skip
STATUS = (*SPOILED_ANSWERS, "h500", "h429", "h503", "close_no_answer", "timeout_after_accept", "short_body")
BALANCE = ("balance_str", "balance_null", "balance_negative", "balance_other_currency", "h500", "timeout_after_accept")
SERVICES = tuple(_of("services"))
REFILL = (*_of("refill"), "timeout_after_accept", "close_no_answer", "h500_p", "h502_html", "refill_twice")
CANCEL = (*_of("cancel"), "timeout_after_accept", "close_no_answer", "h500")
#: "Expired" is a word about subscriptions; of a plain order it tells nobody what arrived, and waits for a person.
FATES = (
    *(fate for fate in ENDINGS if fate != "expired"),
    "never_moves",
    "stuck",
    *SPOILED_ANSWERS,
    "partial:1",
    "partial:333",
)
