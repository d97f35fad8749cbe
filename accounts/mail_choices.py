"""Which mails about their orders and top-ups customers want, and the links that switch them off."""

from collections.abc import Iterable
from datetime import time, timedelta

from django.core.signing import BadSignature, Signer
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import MailChoices, User

ORDER_COMPLETED, ORDER_REFUNDED, REFILL, TOP_UP = "order_completed", "order_refunded", "refill", "top_up"
ORDERS, BULK, LOW_BALANCE, TICKET = "orders", "bulk", "low_balance", "ticket"
#: When the daily mail leaves, in the shop's time zone.
DAILY_AT = time(17)
#: More orders than that within the time are many: their mails come once a day unless the customer chose otherwise.
MANY, MANY_WITHIN = 20, timedelta(days=7)

#: What each switch is called, in the order of the page. The names are fields of MailChoices, and stand in links.
SWITCHES: dict[str, str | Promise] = {
    ORDER_COMPLETED: _("Order completed"),
    ORDER_REFUNDED: _("Order partial, canceled or refunded"),
    REFILL: _("Refill done or declined"),
    TOP_UP: _("Top-up credited, failed or refunded"),
    TICKET: _("Answer to a ticket"),
    LOW_BALANCE: _("Balance below your limit"),
    ORDERS: _("Mails about orders"),
    BULK: _("Orders through the API and in bulk"),
}
_signer = Signer(salt="accounts.mail_choices")


def choices_of(customer: User) -> MailChoices:
    """Return what a customer chose; one who never chose has what a new row says, unsaved."""
    return MailChoices.objects.filter(pk=customer.pk).first() or MailChoices(customer=customer)


def is_wanted(choices: MailChoices, kind: str, *, is_quiet: bool) -> bool:
    """Return True if a mail of this kind may be sent; ``is_quiet`` is for orders through the API and in bulk."""
    about_orders = kind == TOP_UP or (choices.bulk if is_quiet else choices.orders)
    return about_orders and bool(getattr(choices, kind))


def are_on(customer_id: int, switches: Iterable[str]) -> bool:
    """Return True if a customer gets mails of one of these kinds."""
    choices = MailChoices.objects.filter(pk=customer_id).first() or MailChoices()
    return any(getattr(choices, name) for name in switches)


def set_switches(customer_id: int, switches: Iterable[str], *, on: bool) -> bool:
    """Switch kinds of mails on or off. The same again changes nothing; nor does a customer who is gone.

    Return False, with nothing changed, if they have to set the limit of a balance first.
    """
    if not User.objects.filter(pk=customer_id).exists():
        return True
    wanted = {*switches}
    MailChoices.objects.get_or_create(customer_id=customer_id)
    rows = MailChoices.objects.filter(pk=customer_id)
    if on and LOW_BALANCE in wanted:
        rows = rows.filter(low_below__isnull=False)
    return rows.update(**dict.fromkeys(wanted, on)) == 1


def switch_token(customer_id: int, switches: Iterable[str]) -> str:
    """Return what stands in a link that switches these off. It works for ever, and shows and opens nothing else."""
    return _signer.sign(f"{customer_id}.{'-'.join(switches)}")


def read_token(token: str) -> tuple[int, list[str]] | None:
    """Return the customer's id and the switches of a link; None if it is not one of ours."""
    try:
        number, _dot, names = _signer.unsign(token).partition(".")
    except BadSignature:
        return None
    switches = [name for name in names.split("-") if name in SWITCHES]
    return (int(number), switches) if switches else None
