"""A subscription to posts that are still to come: what may be ordered, and how much money it needs at most.

It is paid for ``(posts + old_posts) × max`` in advance; each post settles its share, and the rest comes back.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.models import Service
from orders.checkout.fields import CONTROL, WHOLE, BadFields, Problem, Wish
from upstream.service_types import SUBSCRIPTION_DELAYS, QuantitySource, service_type

#: How a provider wants a date; browsers send the other form.
_SENT, _TYPED = "%d/%m/%Y", ("%Y-%m-%d", "%d/%m/%Y")


def is_subscription(service: Service) -> bool:
    """Whether orders of it are subscriptions."""
    kind = service_type(service.type)
    return kind is not None and kind.quantity_from is QuantitySource.NONE


def check_subscription(service: Service, given: Mapping[str, str], *, today: date | None = None) -> Wish:
    """Check the fields of a subscription. Raises BadFields with every problem at once."""
    typed = {name: CONTROL.sub("", str(value or "")).strip() for name, value in given.items()}
    problems: dict[str, Problem] = {}
    username = _username(typed.get("username", ""), problems)
    least, most = _per_post(service, typed, problems)
    posts, old = _posts(typed, problems)
    delay = _delay(typed.get("delay", "") or "0", problems)
    expiry = _expiry(typed.get("expiry", ""), today, problems)
    if problems:
        raise BadFields(problems)
    sent = {"username": username, "min": str(least), "max": str(most), "posts": str(posts), "delay": delay}
    sent |= {"old_posts": str(old)} if old else {}
    sent |= {"expiry": expiry} if expiry else {}
    return Wish(link="", quantity=most, total=(posts + old) * most, sent=sent)


def _username(text: str, problems: dict[str, Problem]) -> str:
    name = text.removeprefix("@")
    if not name:
        problems["username"] = Problem(_("Please fill this in."))
    elif len(name) > 500 or re.search(r"\s", name):
        problems["username"] = Problem(_("A user name has no spaces in it."))
    return name


def _per_post(service: Service, typed: Mapping[str, str], problems: dict[str, Problem]) -> tuple[int, int]:
    found: dict[str, int] = {}
    for name in ("min", "max"):
        number = _whole(typed.get(name, ""))
        if number is None:
            problems[name] = Problem(_("Please enter a whole number."))
        elif not service.min <= number <= service.max:
            limits = {"min": service.min, "max": service.max}
            problems[name] = Problem(_("Between %(min)s and %(max)s.") % limits)
        else:
            found[name] = number
    if len(found) == 2 and found["min"] > found["max"]:
        problems["max"] = Problem(_("Not below the least."), str(found["min"]))
    return found.get("min", 1), found.get("max", 1)


def _posts(typed: Mapping[str, str], problems: dict[str, Problem]) -> tuple[int, int]:
    posts, old = _whole(typed.get("posts", "")), _whole(typed.get("old_posts", "") or "0")
    if not posts:
        problems["posts"] = Problem(_("Please enter a whole number."))
    if old is None:
        problems["old_posts"] = Problem(_("Please enter a whole number."))
    if posts and old is not None and posts + old > settings.SUBSCRIPTION_MAX_POSTS:
        limit = {"limit": settings.SUBSCRIPTION_MAX_POSTS}
        problems["posts"] = Problem(_("At most %(limit)s posts, old ones included.") % limit)
    return posts or 1, old or 0


def _delay(text: str, problems: dict[str, Problem]) -> str:
    if _whole(text) not in SUBSCRIPTION_DELAYS:
        problems["delay"] = Problem(_("Choose one of the pauses."))
    return text


def _expiry(text: str, today: date | None, problems: dict[str, Problem]) -> str:
    if not text:
        return ""
    for form in _TYPED:
        try:
            # A day of the calendar, not a moment: it has no time zone.
            day = datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
        if today is not None and day <= today:
            problems["expiry"] = Problem(_("Choose a day in the future."))
        return day.strftime(_SENT)
    problems["expiry"] = Problem(_("Please enter a date, such as 31/12/2030."))
    return ""


def _whole(text: str) -> int | None:
    return int(text) if WHOLE.match(text) else None
