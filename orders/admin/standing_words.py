"""What staff read about an order in each situation: a sentence, what to do first, and the note of the list.

``since`` is a duration, ``at`` a time.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from orders.pages.situations import Situation

#: What an order waits for, or how it ended.
SENTENCES: dict[Situation, str | Promise] = {
    Situation.SOON: gettext_lazy("It is sent to %(provider)s within seconds."),
    Situation.LATE: gettext_lazy("It waits to be sent to %(provider)s for %(since)s, though nothing holds it back."),
    Situation.RESTORED: gettext_lazy("It waits for %(since)s: the shop was restored and sends nothing until thawed."),
    Situation.FROZEN: gettext_lazy("It waits for %(since)s: the shop is frozen and sends nothing."),
    Situation.SUPPLIER_AWAY: gettext_lazy("It waits for %(provider)s, which is paused, for %(since)s: %(why)s."),
    Situation.HELD_BACK: gettext_lazy(
        "It waits for %(since)s: too many answers of %(provider)s were lost, and those orders come first."
    ),
    Situation.LINK_BUSY: gettext_lazy("It waits for order %(other)s, which is open for the same link, for %(since)s."),
    Situation.TOOK_NOT: gettext_lazy(
        "It waits for %(provider)s, which refused it %(tries)s times in %(since)s, last with “%(refusal)s”."
    ),
    Situation.NOT_REACHED: gettext_lazy("It waits for %(provider)s, which was not reached in %(tries)s tries."),
    Situation.SENDING: gettext_lazy("It is being sent to %(provider)s."),
    Situation.CONFIRMING: gettext_lazy(
        "It waits for %(provider)s, whose answer was lost %(since)s ago: nobody knows yet whether it has the order."
    ),
    Situation.BY_HAND: gettext_lazy(
        "It waits for you: the answer of %(provider)s was lost %(since)s ago, and the shop cannot find out whether it "
        "has the order."
    ),
    Situation.ACCEPTED: gettext_lazy("%(provider)s has had it for %(since)s and has not begun."),
    Situation.RUNNING: gettext_lazy("%(provider)s has delivered %(done)s of %(all)s in %(since)s."),
    Situation.PAUSED: gettext_lazy("It waits for %(provider)s, which paused it at %(done)s of %(all)s %(since)s ago."),
    Situation.FAILED: gettext_lazy("It waits for %(provider)s, which answers “%(raw)s” for %(since)s."),
    Situation.COUNTING: gettext_lazy("%(provider)s has ended it and still counts its last part."),
    Situation.UNCLEAR: gettext_lazy("It waits for you: the last answer of %(provider)s is not clear (%(review)s)."),
    Situation.SILENT: gettext_lazy("It waits for %(provider)s, which has not answered about it for %(since)s."),
    Situation.COMPLETED: gettext_lazy("%(provider)s delivered all %(all)s by %(at)s."),
    Situation.EXPIRED: gettext_lazy("It reached its end at %(at)s: %(done)s of %(all)s arrived."),
    Situation.PARTIAL: gettext_lazy("%(provider)s stopped at %(done)s of %(all)s at %(at)s."),
    Situation.PARTIAL_AS_ASKED: gettext_lazy("%(provider)s stopped at %(done)s of %(all)s at %(at)s, as asked."),
    Situation.SETTLED_BY_HAND: gettext_lazy("A person settled it at %(at)s: %(done)s of %(all)s arrived."),
    Situation.CANCELED_BY_SUPPLIER: gettext_lazy("%(provider)s canceled it at %(at)s; nobody had asked it to."),
    Situation.CANCELED_AS_ASKED: gettext_lazy("%(provider)s canceled it at %(at)s, as asked."),
    Situation.NOT_DELIVERED: gettext_lazy("%(provider)s called it failed for too long; it ended at %(at)s."),
    Situation.NOT_PLACED: gettext_lazy("%(provider)s does not have it: it ended at %(at)s (%(refusal)s)."),
}
SLOW = gettext_lazy("It waits for %(provider)s, which is slower than usual: %(done)s of %(all)s arrived in %(since)s.")
#: What to do first; situations that need nobody are missing.
FIRST: dict[Situation, str | Promise] = {
    Situation.LATE: gettext_lazy("See on Today whether a part of the shop is not seen any more."),
    Situation.RESTORED: gettext_lazy("Thaw the shop once its records are checked."),
    Situation.FROZEN: gettext_lazy("Thaw the shop once the check is done."),
    Situation.SUPPLIER_AWAY: gettext_lazy("Look at the page of %(provider)s, and let it send again."),
    Situation.HELD_BACK: gettext_lazy("Decide about the orders in doubt at %(provider)s, the oldest first."),
    Situation.TOOK_NOT: gettext_lazy("Look at the last refusal below; the order can also be canceled."),
    Situation.CONFIRMING: gettext_lazy("Nothing: in most cases it settles by itself within %(usual_doubt)s."),
    Situation.BY_HAND: gettext_lazy("Look for it in the panel of %(provider)s, then decide."),
    Situation.PAUSED: gettext_lazy("Ask %(provider)s why it is paused, or cancel the order."),
    Situation.FAILED: gettext_lazy("Ask %(provider)s, or cancel the order before you refund it."),
    Situation.UNCLEAR: gettext_lazy("Look for the order in the panel of %(provider)s, then settle it here."),
    Situation.SILENT: gettext_lazy("Look at the page of %(provider)s: does it answer at all?"),
}
#: The note of the list.
NOTES: dict[Situation, str | Promise] = {
    Situation.LATE: gettext_lazy("Waiting for %(since)s"),
    Situation.RESTORED: gettext_lazy("Waiting: shop restored"),
    Situation.FROZEN: gettext_lazy("Waiting: shop frozen"),
    Situation.SUPPLIER_AWAY: gettext_lazy("Waiting: %(provider)s is paused"),
    Situation.HELD_BACK: gettext_lazy("Waiting: doubts at %(provider)s"),
    Situation.LINK_BUSY: gettext_lazy("Waiting for %(other)s"),
    Situation.TOOK_NOT: gettext_lazy("Refused: %(refusal)s"),
    Situation.NOT_REACHED: gettext_lazy("Not reached, %(tries)s tries"),
    Situation.CONFIRMING: gettext_lazy("No answer for %(since)s"),
    Situation.BY_HAND: gettext_lazy("No answer for %(since)s, decide"),
    Situation.ACCEPTED: gettext_lazy("Accepted %(since)s ago"),
    Situation.RUNNING: gettext_lazy("%(done)s of %(all)s"),
    Situation.PAUSED: gettext_lazy("Paused at %(done)s of %(all)s"),
    Situation.FAILED: gettext_lazy("%(provider)s: “%(raw)s”"),
    Situation.COUNTING: gettext_lazy("Counts the last part"),
    Situation.UNCLEAR: gettext_lazy("%(review)s"),
    Situation.SILENT: gettext_lazy("No news for %(since)s"),
    Situation.EXPIRED: gettext_lazy("%(done)s of %(all)s"),
    Situation.PARTIAL: gettext_lazy("%(done)s of %(all)s"),
    Situation.PARTIAL_AS_ASKED: gettext_lazy("%(done)s of %(all)s, as asked"),
    Situation.SETTLED_BY_HAND: gettext_lazy("%(done)s of %(all)s, settled by hand"),
    Situation.CANCELED_BY_SUPPLIER: gettext_lazy("By %(provider)s"),
    Situation.CANCELED_AS_ASKED: gettext_lazy("As asked"),
    Situation.NOT_DELIVERED: gettext_lazy("Failed for too long"),
    Situation.NOT_PLACED: gettext_lazy("Not placed: %(refusal)s"),
}
