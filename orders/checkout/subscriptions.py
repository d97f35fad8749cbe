"""A subscription to posts that are still to come: what may be ordered, and how much money it needs at most.

``(posts + old_posts) × max`` is paid in advance; each post settles its share, and the rest is refunded.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.links.cleaning import LONGEST_TYPED, cleaned
from catalog.models import Service
from core.numbers import ascii_digits
from orders.checkout.fields import CONTROL, WHOLE, BadFields, CheckedFields, FieldProblem
from upstream.service_types import SUBSCRIPTION_DELAYS, QuantitySource, service_type

#: How a provider reads a date; browsers send the other form.
_SENT, _TYPED = "%d/%m/%Y", ("%Y-%m-%d", "%d/%m/%Y")


def is_subscription(service: Service) -> bool:
    """Whether orders of it are subscriptions."""
    kind = service_type(service.type)
    return kind is not None and kind.quantity_from is QuantitySource.NONE


def check_subscription(service: Service, given: Mapping[str, str], *, today: date | None = None) -> CheckedFields:
    """Return the checked fields of a subscription. Raises BadFields with every problem at once."""
    typed = {name: ascii_digits(CONTROL.sub("", str(value or "")).strip()) for name, value in given.items()}
    typed["username"] = cleaned(str(given.get("username") or "")[:LONGEST_TYPED])
    problems: dict[str, FieldProblem] = {}

    # 1. Whose posts.
    username = typed.get("username", "").removeprefix("@")
    if not username:
        problems["username"] = FieldProblem(_("Please fill this in."))
    elif len(username) > 500 or re.search(r"\s", username):
        problems["username"] = FieldProblem(_("A user name has no spaces in it."))

    # 2. How much for each post.
    per_post: dict[str, int] = {}
    for name in ("min", "max"):
        number = _whole(typed.get(name, ""))
        if number is None:
            problems[name] = FieldProblem(_("Please enter a whole number."))
        elif not service.min <= number <= service.max:
            limits = {"min": service.min, "max": service.max}
            problems[name] = FieldProblem(_("Between %(min)s and %(max)s.") % limits)
        else:
            per_post[name] = number
    if len(per_post) == 2 and per_post["min"] > per_post["max"]:
        problems["max"] = FieldProblem(_("Must be at least the minimum."), str(per_post["min"]))

    # 3. How many posts.
    posts, old = _whole(typed.get("posts", "")), _whole(typed.get("old_posts", "") or "0")
    if not posts:
        problems["posts"] = FieldProblem(_("Please enter a whole number."))
    if old is None:
        problems["old_posts"] = FieldProblem(_("Please enter a whole number."))
    if posts and old is not None and posts + old > settings.SUBSCRIPTION_MAX_POSTS:
        limit = {"limit": f"{settings.SUBSCRIPTION_MAX_POSTS:,}"}
        problems["posts"] = FieldProblem(_("At most %(limit)s posts, old ones included.") % limit)

    # 4. When.
    delay = typed.get("delay", "") or "0"
    if _whole(delay) not in SUBSCRIPTION_DELAYS:
        problems["delay"] = FieldProblem(_("Choose one of the delays."))
    expiry = _expiry(typed.get("expiry", ""), today, problems)

    if problems or posts is None or old is None:
        raise BadFields(problems)
    least, most = per_post["min"], per_post["max"]
    sent = {"username": username, "min": str(least), "max": str(most), "posts": str(posts), "delay": delay}
    sent |= {"old_posts": str(old)} if old else {}
    sent |= {"expiry": expiry} if expiry else {}
    return CheckedFields(link="", link_key="", quantity=most, total=(posts + old) * most, sent=sent)


def _expiry(text: str, today: date | None, problems: dict[str, FieldProblem]) -> str:
    """The date as a provider reads it, empty for none."""
    if not text:
        return ""
    for form in _TYPED:
        try:
            # A day of the calendar, not a moment: it has no time zone.
            day = datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
        if today is not None and day <= today:
            problems["expiry"] = FieldProblem(_("Choose a day in the future."))
        return day.strftime(_SENT)
    problems["expiry"] = FieldProblem(_("Please enter a date, such as 31/12/2030."))
    return ""


def _whole(text: str) -> int | None:
    return int(text) if WHOLE.match(text) else None
