"""News by mail to customers: its one shape, in plain text and HTML, with the link that switches such mails off."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.mail_choices import SWITCHES, switch_token
from accounts.models import User
from notices.outbox import queue_mail

TEMPLATE = "account/email/news"
#: Later than that it is no news any more, and the customer has seen it on the pages.
GOOD_FOR = timedelta(days=1)
#: Characters of one text from outside, such as a link or the name of a service.
LONGEST = 100
#: Width of a line of the sums in plain text.
_WIDTH = 46
_SCHEME = re.compile(r"\w+://")


@dataclass(frozen=True)
class Sum:
    """One line of an account: what, and how much, as text."""

    label: str
    amount: str
    is_total: bool = False


@dataclass(frozen=True)
class MailRow:
    """One order in a mail about many: what became of it, of which service, and what was paid; "" where nothing was."""

    title: str
    text: str
    amount: str


@dataclass(frozen=True)
class MailText:
    """What a mail says, in the language that is active. Texts from outside are bounded by :func:`bounded`.

    ``path`` is the page that the button leads to; ``about`` holds facts as pairs of label and text.
    """

    title: str
    lines: Sequence[str]
    button: str
    path: str
    subject: str = ""
    about: Sequence[tuple[str, str]] = ()
    sums: Sequence[Sum] = ()
    rows: Sequence[MailRow] = ()
    more: str = ""


def bounded(text: str, most: int = LONGEST) -> str:
    """Return outside text as one line of at most ``most`` printable characters.

    Addresses lose their scheme, so that mail programs make no links of them.
    """
    plain = "".join(c if c.isprintable() else " " for c in _SCHEME.sub("", text))
    line = " ".join(plain.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def queue_news(
    customer: User, text: MailText, *, key: str, switches: Sequence[str], language: str, now: datetime
) -> bool:
    """Queue one mail of news in the caller's transaction; return False if ``key`` was queued before.

    ``switches`` are what its link switches off. The language must be active.
    """
    off = reverse("fewer_mails", args=[switch_token(customer.pk, switches)])
    if len(switches) == 1:
        because = _("You get this because “%(name)s” is on.") % {"name": SWITCHES[switches[0]]}
    else:
        because = _("You get this because one mail a day about your orders is on.")
    data = {
        **asdict(text),
        "subject": text.subject or text.title,
        "sum_lines": _in_columns(text.sums),
        "because": because,
        "off": off,
        "choose": reverse("notifications"),
    }
    return queue_mail(
        key=key, to=customer.email, template=TEMPLATE, data=data, language=language, now=now,
        good_until=now + GOOD_FOR, is_news=True,
    )  # fmt: skip


def _in_columns(sums: Iterable[Sum]) -> list[str]:
    """The sums in plain text, amounts under each other, with a double rule above the total."""
    listed = list(sums)
    wide = max((len(each.amount) for each in listed), default=0)
    lines = []
    for each in listed:
        if each.is_total:
            lines.append("=" * _WIDTH)
        label = bounded(each.label, _WIDTH - wide - 6)
        lines.append(f"{label} {'.' * (_WIDTH - wide - len(label) - 2)} {each.amount:>{wide}}")
    return lines
