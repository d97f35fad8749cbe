"""What a receipt says of an order in plain sentences: how much, in which parts, and about when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.facts.reading import ServiceTimes, times_of
from catalog.models import Service
from core.templatetags.money import money_text
from core.templatetags.shop import duration_text, num
from orders.checkout.coded_fields import choices_of
from orders.checkout.fields import CheckedFields
from orders.checkout.quotes import Quote
from upstream.coded_fields import CODED_FIELDS
from upstream.service_types import lines_of, service_type

type Sentence = str | SafeString
_LONGEST = 60
_HOUR, _DAY = 60, 1440


@dataclass(frozen=True)
class Row:
    """A label with its value, for what is chosen from a list or computed from measured times."""

    label: str | Promise
    value: str


@dataclass(frozen=True)
class Explanation:
    """The first sentence says the whole order; the others and the rows add to it."""

    sentences: list[Sentence]
    rows: list[Row]


def explained(quote: Quote, service: Service, *, now: datetime) -> Explanation:
    """Return what the receipt of ``quote`` says; ``service`` is the page's own, whose figures may have been read.

    Times are in the zone of the page. They are named only where they were measured, or follow from the pauses that the
    customer chose.
    """
    fields, kind = quote.fields, service_type(service.type)
    name = kind.name if kind else ""
    rows = _chosen(service, fields)
    if name == "subscriptions":
        return Explanation(_subscription(fields), rows)
    if fields.runs and fields.interval is not None:
        return Explanation([_runs(fields), _run_times(fields, times_of(service), now)], rows)
    say = _BY_TYPE.get(name, _one_delivery)
    sentences: list[Sentence] = [say(quote)]
    if hashtags := _count(quote, "hashtags"):
        text = ngettext("%(n)s hashtag is listed.", "%(n)s hashtags are listed.", hashtags)
        sentences.append(text % {"n": num(hashtags)})
    return Explanation(sentences, [*rows, *_times(fields, times_of(service), now)])


def _one_delivery(quote: Quote) -> Sentence:
    return _("%(total)s in one delivery.") % {"total": num(quote.fields.total)}


def _count(quote: Quote, field: str) -> int:
    return len(lines_of(quote.fields.sent.get(field, "")))


def _with(template: str, quote: Quote, field: str) -> SafeString:
    """A sentence with the total and with what the customer typed into ``field``."""
    typed = quote.fields.sent.get(field, "")
    name = format_html("<bdi>{}</bdi>", typed if len(typed) <= _LONGEST else f"{typed[:_LONGEST]}…")
    return format_html(template, total=num(quote.fields.total), name=name)


def _comments(quote: Quote) -> Sentence:
    n = quote.fields.total
    text = ngettext("%(n)s comment, one for each line.", "%(n)s comments, one for each line.", n)
    return text % {"n": num(n)}


def _replies(quote: Quote) -> Sentence:
    text = ngettext(
        "{total} reply to the comment of {name}, one for each line.",
        "{total} replies to the comment of {name}, one for each line.",
        quote.fields.total,
    )
    return _with(text, quote, "username")


def _mentions(quote: Quote) -> Sentence:
    n = _count(quote, "usernames")
    text = ngettext(
        "%(total)s mentions, with the %(n)s user name you listed.",
        "%(total)s mentions, with the %(n)s user names you listed.",
        n,
    )
    return text % {"total": num(quote.fields.total), "n": num(n)}


def _mentions_of_list(quote: Quote) -> Sentence:
    n = quote.fields.total
    text = ngettext("%(n)s mention, one for each user name.", "%(n)s mentions, one for each user name.", n)
    return text % {"n": num(n)}


def _package_with_comments(quote: Quote) -> Sentence:
    n = _count(quote, "comments")
    text = ngettext(
        "One package at %(price)s, with your %(n)s comment.", "One package at %(price)s, with your %(n)s comments.", n
    )
    return text % {"price": money_text(quote.price), "n": num(n)}


def _invitations(quote: Quote) -> Sentence:
    n = _count(quote, "groups")
    text = ngettext("%(total)s invitations from %(n)s group.", "%(total)s invitations from %(n)s groups.", n)
    return text % {"total": num(quote.fields.total), "n": num(n)}


def _keywords(quote: Quote) -> Sentence:
    n = _count(quote, "keywords")
    text = ngettext(
        "%(total)s in one delivery, for %(n)s keyword.", "%(total)s in one delivery, for %(n)s keywords.", n
    )
    return text % {"total": num(quote.fields.total), "n": num(n)}


#: Types of services -> the sentence that says the whole order.
_BY_TYPE: dict[str, Callable[[Quote], Sentence]] = {
    "package": lambda q: _("One package at %(price)s.") % {"price": money_text(q.price)},
    "custom_comments": _comments,
    "custom_comments_package": _package_with_comments,
    "comment_replies": _replies,
    "mentions": _mentions,
    "mentions_with_hashtags": _mentions,
    "mentions_custom_list": _mentions_of_list,
    "mentions_hashtag": lambda q: _with(_("{total} mentions of people who use the hashtag {name}."), q, "hashtag"),
    "mentions_user_followers": lambda q: _with(_("{total} mentions of followers of {name}."), q, "username"),
    "mentions_media_likers": lambda q: _with(_("{total} mentions of people who like {name}."), q, "media"),
    "comment_likes": lambda q: _with(_("{total} likes for the comment of {name}."), q, "username"),
    "poll": lambda q: _with(_("{total} votes for answer {name}."), q, "answer_number"),
    "invites_from_groups": _invitations,
    "seo": _keywords,
    "web_traffic": lambda q: _("%(total)s visitors.") % {"total": num(q.fields.total)},
}


def _runs(fields: CheckedFields) -> str:
    """How many runs of how many, and how often."""
    runs, pause = fields.runs or 0, fields.interval or 0
    words = {"n": num(runs), "quantity": num(fields.quantity), "pause": duration_text(timedelta(minutes=pause))}
    if pause == 1:
        text = ngettext("%(n)s run of %(quantity)s, one a minute.", "%(n)s runs of %(quantity)s, one a minute.", runs)
    elif pause == _HOUR:
        text = ngettext("%(n)s run of %(quantity)s, one an hour.", "%(n)s runs of %(quantity)s, one an hour.", runs)
    elif pause == _DAY:
        text = ngettext("%(n)s run of %(quantity)s, one a day.", "%(n)s runs of %(quantity)s, one a day.", runs)
    else:
        text = ngettext(
            "%(n)s run of %(quantity)s, one every %(pause)s.", "%(n)s runs of %(quantity)s, one every %(pause)s.", runs
        )
    return text % words


def _run_times(fields: CheckedFields, times: ServiceTimes, now: datetime) -> str:
    first = now + (times.starts.time or timedelta())
    last = first + timedelta(minutes=(fields.interval or 0) * ((fields.runs or 1) - 1))
    words = {"first": _clock(first, now), "last": _clock(last, now)}
    if times.starts.time is None:
        return _("The last run starts about %(last)s.") % words
    if times.takes.time is None or not times.is_scaled:
        return _("The first starts about %(first)s, the last about %(last)s.") % words
    words["end"] = _clock(last + times.takes.time * fields.quantity / 1000, now)
    return _("The first starts about %(first)s, the last about %(last)s; all ends about %(end)s.") % words


def _times(fields: CheckedFields, times: ServiceTimes, now: datetime) -> list[Row]:
    """When an order without runs starts and ends, as far as that is measured here."""
    if times.starts.time is None:
        return []
    starts = now + times.starts.time
    rows = [Row(_("Starts about"), _clock(starts, now))]
    if times.takes.time is not None and times.is_scaled:
        rows.append(Row(_("Done about"), _clock(starts + times.takes.time * fields.total / 1000, now)))
    return rows


def _subscription(fields: CheckedFields) -> list[Sentence]:
    sent = fields.sent
    posts, old = int(sent["posts"]), int(sent.get("old_posts", "0"))
    most, least = num(fields.quantity), num(int(sent["min"]))
    words = {"most": most, "least": least, "old": num(old)}
    if old:
        text = ngettext(
            "%(n)s new post and %(old)s older, at most %(most)s each.",
            "%(n)s new posts and %(old)s older, at most %(most)s each.",
            posts,
        )
    else:
        text = ngettext("%(n)s post, at most %(most)s each.", "%(n)s posts, at most %(most)s each.", posts)
    sentences: list[Sentence] = [text % {"n": num(posts), **words}]
    if least != most:
        sentences.append(_("Each post gets %(least)s to %(most)s.") % words)
    if delay := int(sent["delay"]):
        sentences.append(_("It begins %(delay)s after a post.") % {"delay": duration_text(timedelta(minutes=delay))})
    if expiry := sent.get("expiry"):
        day = datetime.strptime(expiry, "%d/%m/%Y").date()  # noqa: DTZ007 - a day of the calendar, not a moment
        sentences.append(_("It ends on %(day)s at the latest.") % {"day": date_format(day, "j F Y")})
    return sentences


def _chosen(service: Service, fields: CheckedFields) -> list[Row]:
    """What was chosen for the fields that take codes, in words."""
    labels = {"country": _("Country"), "device": _("Device"), "type_of_traffic": _("They come from")}
    rows = []
    for name in CODED_FIELDS:
        code, choices = fields.sent.get(name), choices_of(service, name)
        if code and choices and name in labels:
            rows.append(Row(labels[name], str(choices.get(code, code))))
    return rows


def _clock(at: datetime, now: datetime) -> str:
    """The time of day and its zone, with the day if that is another than today's."""
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localtime(now).date()
    return date_format(local, "H:i T" if is_today else "j M, H:i T")
