"""Every alert the shop can raise: its cause, its severity, its texts, and the admin page that helps.

A call site names the cause and gives the data, and each placeholder takes the datum of its name. The key is stored
with the alert and finds the open one again, so its spelling never changes. docs/operations.md says what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notices.models import Severity


@dataclass(frozen=True, eq=False)
class Cause:
    """One kind of alert. ``page`` names an admin URL, ``page_of`` the datum that holds the id of its row."""

    key: str
    severity: Severity
    title: str | Promise
    body: str | Promise = ""
    page: str = ""
    page_of: str = ""
    query: str = ""

    def key_for(self, data: Mapping[str, object]) -> str:
        """Return the stored cause, such as "provider:3:parked"."""
        return self.key.format(**data)[:120]

    def path_for(self, data: Mapping[str, object]) -> str:
        """Return the path of the admin page, empty if there is none."""
        if not self.page:
            return ""
        path = reverse(f"admin:{self.page}", args=[data[self.page_of]] if self.page_of else [])
        return f"{path}?{self.query.format(**data)}" if self.query else path


# Providers

PARKED = Cause(
    "provider:{provider}:parked", Severity.MONEY, _("%(name)s is parked: %(reason)s"),
    _("Orders for it are accepted and wait. Nothing is sent until it answers again. %(detail)s"),
    "catalog_provider_change", "provider",
)  # fmt: skip
CURRENCY_CHANGED = Cause(
    "provider:{provider}:currency", Severity.MONEY, _("%(name)s has changed its currency: sale stopped"),
    _("The account is in %(theirs)s, its settings here say %(ours)s. Its services are off sale until they agree."),
    "catalog_provider_change", "provider",
)  # fmt: skip
NO_MONEY_LEFT = Cause(
    "provider:{provider}:balance", Severity.MONEY, _("No money left at %(name)s"),
    _("Orders to this provider cannot be paid. Please add funds on the provider's own site."),
    "catalog_provider_change", "provider",
)  # fmt: skip
LITTLE_MONEY_LEFT = Cause(
    "provider:{provider}:low_balance", Severity.MONEY, _("Little money left at %(name)s"),
    _("%(left)s %(currency)s left. Please add funds on the provider's own site before orders have to wait."),
    "catalog_provider_change", "provider",
)  # fmt: skip
ACTION_UNKNOWN = Cause(
    "provider:{provider}:{capability}", Severity.ATTENTION, _("%(name)s does not know an action it was asked for"),
    _("%(capability)s was switched off for it."),
    "catalog_provider_change", "provider",
)  # fmt: skip
SYNC_REFUSED = Cause(
    "provider:{provider}:sync", Severity.ATTENTION, _("The price list of %(name)s was not applied"), _("%(problem)s"),
    "catalog_provider_change", "provider",
)  # fmt: skip
OTHER_PRODUCTS = Cause(
    "provider:{provider}:other_products", Severity.ATTENTION, _("%(name)s gave ids of services to other products"),
    _("%(count)s of your services are off sale until you have looked at what they are now."),
    "catalog_providerservice_changelist", query="provider__id__exact={provider}&sale=other",
)  # fmt: skip
IDS_PROVE_NOTHING = Cause(
    "provider:{provider}:unprovable", Severity.ATTENTION, _("%(name)s: its order numbers cannot settle a doubt"),
    _(
        "Its order numbers do not grow, or it answers for orders that are not ours. Orders whose answer is lost will "
        "wait for your decision."
    ),
    "catalog_provider_change", "provider",
)  # fmt: skip
KNOWS_NO_ORDER = Cause(
    "provider:{provider}:knows_none", Severity.MONEY, _("%(name)s knows none of our orders"),
    _("It was asked about %(count)s orders. Is this the key of the account that placed them?"),
    "catalog_provider_change", "provider",
)  # fmt: skip
UNKNOWN_STATE = Cause(
    "provider:{provider}:unknown_state", Severity.ATTENTION, _("%(name)s uses a state we do not know"),
    _("Order #%(order)s: %(state)s"),
    "orders_order_change", "order",
)  # fmt: skip
UNKNOWN_REFUSAL = Cause(
    "provider:{provider}:refusal:{error_class}", Severity.ATTENTION,
    _("A provider refuses orders with a text you should read"),
    _("Order #%(order)s was refused and refunded. The provider's answer: %(text)s"),
    "orders_order_change", "order",
)  # fmt: skip
UNKNOWN_CANCEL_REFUSAL = Cause(
    "provider:{provider}:cancel_words", Severity.ATTENTION,
    _("A provider refuses cancellations with a text you should read"),
    _("Order #%(order)s. The provider's answer: %(text)s"),
    "orders_order_change", "order",
)  # fmt: skip

# Orders in doubt

IN_DOUBT = Cause(
    "provider:{provider}:doubt", Severity.ATTENTION, _("Orders in doubt at %(name)s"),
    _("The provider's answer was lost or unclear. The money stays reserved and nothing is sent again by itself."),
    "orders_doubtfulorder_changelist", query="provider__id__exact={provider}",
)  # fmt: skip
IN_REVIEW = Cause(
    "provider:{provider}:review", Severity.MONEY, _("Orders at %(name)s need your decision"),
    _("It could not be found out whether they were placed. Their money stays reserved until you decide."),
    "orders_doubtfulorder_changelist", query="provider__id__exact={provider}",
)  # fmt: skip
BREAKER_TRIPPED = Cause(
    "provider:{provider}:breaker", Severity.MONEY, _("%(name)s: sending paused, too many orders in doubt"),
    _("Orders wait. One is tried after the doubts had time to settle; a clear answer lets the others follow."),
    "orders_order_changelist", query="forward_state__exact=in_doubt&provider__id__exact={provider}",
)  # fmt: skip
DOUBT_REFUNDED = Cause(
    "provider:{provider}:doubt_refunded", Severity.MONEY, _("Orders in doubt were refunded after waiting too long"),
    _("Order #%(order)s. If the provider did place it, its cost is lost."),
    "orders_order_change", "order",
)  # fmt: skip
RESTORED = Cause(
    "provider:{provider}:restored", Severity.MONEY,
    _("%(count)s orders at %(name)s came back with a restore and are in doubt"),
    _("They may have been sent in the time that was lost. Compare them with the orders that nobody placed."),
    "orders_order_changelist", query="forward_state__exact=in_doubt&provider__id__exact={provider}",
)  # fmt: skip
REFILL_IN_DOUBT = Cause(
    "provider:{provider}:refill_doubt", Severity.ATTENTION, _("Refills in doubt at %(name)s"),
    _("The provider's answer to a refill was lost. It is not requested again by itself."),
    "orders_order_change", "order",
)  # fmt: skip
REFILL_UNANSWERED = Cause(
    "provider:{provider}:refill_untold", Severity.ATTENTION, _("%(name)s has not answered about a refill"),
    _("Order #%(order)s: its refill was passed on, and %(count)s questions in a row had no usable answer."),
    "orders_order_change", "order",
)  # fmt: skip

# Orders that cost money

FOUND_AFTER_REFUND = Cause(
    "order:{order}:loss", Severity.MONEY, _("An order was found at the provider after its refund"),
    _("Order #%(order)s is number %(number)s there. The customer keeps the refund."),
    "orders_order_change", "order",
)  # fmt: skip
RUNS_AFTER_REFUND = Cause(
    "order:{order}:loss", Severity.MONEY, _("An order runs again at the provider after its refund"),
    _("Order #%(order)s"),
    "orders_order_change", "order",
)  # fmt: skip
DELIVERED_AFTER_REFUND = Cause(
    "order:{order}:loss", Severity.MONEY, _("An order was delivered after its refund"), _("Order #%(order)s"),
    "orders_order_change", "order",
)  # fmt: skip
CHARGED_ABOVE_COST = Cause(
    "order:{order}:loss", Severity.MONEY, _("A provider charged more than expected"), _("Order #%(order)s"),
    "orders_order_change", "order",
)  # fmt: skip
FOREIGN_CHILD = Cause(
    "order:{order}:loss", Severity.MONEY, _("A provider lists another order's number as part of an order"),
    _("Order #%(order)s"),
    "orders_order_change", "order",
)  # fmt: skip
CONTRADICTION = Cause(
    "order:{order}:contradiction", Severity.MONEY, _("An order that was called not placed seems to be placed"),
    _("Order #%(order)s: the provider has the number %(number)s, which fits nothing else."),
    "orders_order_change", "order",
)  # fmt: skip
NUMBER_TAKEN = Cause(
    "provider:{provider}:known_id", Severity.MONEY,
    _("A provider answered with an order number that another order has"),
    _("Order #%(order)s got the number %(number)s, which is taken. It stays in doubt."),
    "orders_order_change", "order",
)  # fmt: skip
REQUEST_ID_IGNORED = Cause(
    "provider:{provider}:request_id", Severity.MONEY,
    _("%(name)s does not do with repeated requests what its test order showed"),
    _(
        "Order #%(order)s: %(contradiction)s. It may have been bought twice. Nothing is repeated there any more; look "
        "at the order, and ask the provider to cancel what was not wanted."
    ),
    "orders_order_change", "order",
)  # fmt: skip
TEST_ORDER_FAILED = Cause(
    "provider:{provider}:request_id_test", Severity.ATTENTION, _("The test order at %(name)s proved nothing"),
    _("%(result)s. Requests to this provider are not repeated."),
    "orders_requestidtest_change", "test",
)  # fmt: skip
# Not CURRENCY_CHANGED: reading the balance closes that one, and each answer would open it again.
CHARGED_IN_FOREIGN_CURRENCY = Cause(
    "provider:{provider}:order_currency", Severity.MONEY, _("%(name)s names another currency than its settings"),
    _("Order #%(order)s is charged in %(currency)s. Nothing was computed with it."),
    "orders_order_change", "order",
)  # fmt: skip
SOLD_BELOW_COST = Cause(
    "service:{service}:below_cost", Severity.MONEY, _("Service %(service)s costs more than its price"),
    _("An order was refused because it would have lost money. Check the price, the markup and the exchange rate."),
    "catalog_service_change", "service",
)  # fmt: skip

# Accounts at providers

ACCOUNT_BREAK = Cause(
    "provider:{provider}:break:{kind}:{about}", Severity.MONEY, _("%(name)s: %(difference)s"),
    _("Amount: %(amount)s. No money was moved because of it."),
    "orders_reconciliationbreak_change", "row",
)  # fmt: skip
FIGURES_TOO_LARGE = Cause(
    "provider:{provider}:books_beyond", Severity.MONEY,
    _("%(name)s: the figures of its account are too large to be compared"),
    _(
        "It reports %(amount)s, our entries come to %(entries)s and the charges of its orders to %(charges)s. Look for "
        "a charge that makes no sense. Nothing is compared until all of it is below %(limit)s again."
    ),
    "orders_provideraccount_change", "provider",
)  # fmt: skip
UNKNOWN_ORDERS = Cause(
    "provider:{provider}:orphans", Severity.MONEY, _("%(name)s has orders under our key that the shop does not know"),
    _("%(counted)s found. Does anything else order with this key?"),
    "orders_ownid_changelist", query="explained__exact=orphan&provider__id__exact={provider}",
)  # fmt: skip

# Top-ups

TOPUP_TO_DECIDE = Cause(
    "topup:{topup}:decide", Severity.MONEY, _("%(number)s of %(customer)s needs your decision"),
    _("%(why)s Nothing more is credited until you accept or reject it."),
    "billing_topup_change", "topup",
)  # fmt: skip
NOT_CREDITED = Cause(
    "topup:{topup}:surplus", Severity.MONEY, _("%(customer)s paid more for %(number)s than was credited"),
    _("%(amount)s came in and is not credited. Credit it, send it back or write it off on the top-up's page."),
    "billing_topup_change", "topup",
)  # fmt: skip
TRANSFER_SENT = Cause(
    "topup:{topup}:sent", Severity.ATTENTION, _("%(customer)s sent %(amount)s for %(number)s"),
    _("Look into your account, then approve or reject the transfer."),
    "billing_topup_change", "topup",
)  # fmt: skip
PAYMENT_UNSURE = Cause(
    "topup:{topup}:unsure", Severity.MONEY, _("%(number)s of %(customer)s failed, but money may have moved"),
    _("%(why)s Ask what became of the money. The shop goes on looking, and credits a payment that shows up."),
    "billing_topup_change", "topup",
)  # fmt: skip
CHARGED_BACK = Cause(
    "topup:{topup}:chargeback", Severity.MONEY, _("%(number)s of %(customer)s was charged back"),
    _("It was taken out of the wallet as far as it reached, the rest is a loss, and the wallet is frozen."),
    "billing_topup_change", "topup",
)  # fmt: skip
PAYMENT_DISPUTED = Cause(
    "topup:{topup}:dispute", Severity.MONEY, _("A bank questions %(number)s of %(customer)s"),
    _("%(why)s Answer at the payment service, in the time that it gives you."),
    "billing_topup_change", "topup",
)  # fmt: skip
PAYMENT_WARNING = Cause(
    "topup:{topup}:warning", Severity.MONEY, _("%(name)s warns about %(number)s of %(customer)s"),
    _("%(why)s Look at the payment there."),
    "billing_topup_change", "topup",
)  # fmt: skip
REFUND_FAILED = Cause(
    "topup:{topup}:refund", Severity.MONEY, _("A refund of %(number)s failed"),
    _("The gateway answered: %(why)s. The money is back in the customer's wallet."),
    "billing_topup_change", "topup",
)  # fmt: skip
REFUND_UNANSWERED = Cause(
    "topup:{topup}:unanswered", Severity.MONEY, _("%(name)s does not answer about a refund of %(number)s"),
    _(
        "%(amount)s is out of the customer's wallet, and the gateway was asked %(tries)s times. The shop goes on "
        "asking. Look there whether it was sent."
    ),
    "billing_topup_change", "topup",
)  # fmt: skip
REFUND_TO_SEND = Cause(
    "topup:{topup}:by_hand", Severity.MONEY, _("A refund of %(number)s waits to be sent by hand"),
    _("%(amount)s is out of the wallet of %(customer)s. Send it, then write the transaction on the top-up's page."),
    "billing_topup_change", "topup",
)  # fmt: skip
START_REFUSED = Cause(
    "topup:{topup}:start", Severity.ATTENTION, _("%(name)s refused to start %(number)s"),
    _("%(why)s The customer was asked to choose another way to pay."),
    "billing_topup_change", "topup",
)  # fmt: skip
WEBHOOK_OF_STRANGER = Cause(
    "topup:{topup}:stranger", Severity.ATTENTION, _("%(name)s names %(number)s with a payment that is not its own"),
    _("Its call named the payment %(remote)s, which no top-up has. Nothing was credited. Look there whose it is."),
    "billing_topup_change", "topup",
)  # fmt: skip
GATEWAY_UNREADABLE = Cause(
    "method:{method}:unreadable", Severity.MONEY, _("%(name)s gives no usable answer"),
    _(
        "It was asked %(misses)s times in a row about %(number)s. The shop goes on asking, and nothing is credited "
        "before it answers. Test the method's settings, and look at the payments there."
    ),
    "billing_topup_changelist", query="method__id__exact={method}&state__exact=pending",
)  # fmt: skip
UNKNOWN_PAYMENTS = Cause(
    "method:{method}:unknown", Severity.MONEY, _("%(name)s has payments that no top-up explains"),
    _("Its list has payments that are unknown here. Find out whose they are, credit them and close their rows."),
    "billing_unknownpayment_changelist",
)  # fmt: skip
WEBHOOK_CONTRADICTS = Cause(
    "method:{method}:contradicts", Severity.ATTENTION, _("%(name)s names two different top-ups in one call"),
    _("It named %(number)s and the reference of another one. It waits for your decision if it was not credited yet."),
    "billing_paymentmethod_change", "method",
)  # fmt: skip
WEBHOOK_FORGED = Cause(
    "method:{method}:forged", Severity.ATTENTION, _("Calls with a wrong signature came for %(name)s"),
    _("%(count)s in an hour. Somebody tries to forge payments, or the signing secret is not the gateway's any more."),
    "billing_paymentmethod_change", "method",
)  # fmt: skip

# The shop itself

FROZEN = Cause(
    "shop:frozen", Severity.MONEY, _("The shop is frozen: %(why)s"),
    _(
        "Orders are accepted and wait. Nothing is sent to any provider until the shop is thawed; docs/operations.md "
        "says how."
    ),
    "orders_order_changelist", query="forward_state__exact=queued",
)  # fmt: skip
BOOKS_DO_NOT_ADD_UP = Cause(
    "shop:audit", Severity.MONEY, _("The books of the shop do not add up: %(names)s"),
    _("%(rows)s. `manage.py audit` names every row. No money was moved because of it."),
    "billing_transfer_changelist",
)  # fmt: skip
QUEUE_SILENT = Cause(
    "queue:{queue}", Severity.ATTENTION, _("No worker answers on the queue %(queue)s"),
    _("Its worker has stopped, hangs or has lost its connection. Restart it; no order is lost."),
    "notices_heartbeat_changelist",
)  # fmt: skip
FAILURE = Cause(
    "failure:{part}", Severity.ATTENTION, _("Something in the shop broke: %(part)s"),
    _("%(kind)s. The log has the details; everything else goes on."),
    "notices_heartbeat_changelist",
)  # fmt: skip
MAIL_NOT_SET_UP = Cause(
    "mail:not_set_up", Severity.ATTENTION, _("The shop cannot send mail: EMAIL_URL is not set"),
    _("Every mail waits, and nobody can sign up. Set EMAIL_URL, then restart the shop."),
    "notices_outbox_changelist",
)  # fmt: skip
MAIL_FAILS = Cause(
    "mail:fails", Severity.ATTENTION, _("Mail cannot be sent"),
    _("The mail server answered: %(problem)s. Mails wait and are tried again; codes for signing up come late."),
    "notices_outbox_changelist", query="state__exact=waiting",
)  # fmt: skip
MAIL_UNDELIVERED = Cause(
    "mail:undelivered", Severity.ATTENTION, _("A mail was given up"),
    _("The last answer was: %(error)s. The list of mails has the others, and can send them again."),
    "notices_outbox_changelist", query="state__exact=given_up",
)  # fmt: skip
TICKET_OPENED = Cause(
    "ticket:{ticket}", Severity.ATTENTION, _("Ticket %(ticket)s: %(subject)s"),
    _("A customer wrote to you. Answer on the page of the ticket."),
    "support_ticket_change", "ticket",
)  # fmt: skip

CAUSES = {name: cause for name, cause in list(globals().items()) if isinstance(cause, Cause)}
