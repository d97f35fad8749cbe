"""Dates and times as lists and stories write them."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString


def moment_text(at: datetime) -> str:
    """Return ``14:04`` for today, ``21 Nov 16:03`` for this year and ``21 Nov 2025`` for any other."""
    local, now = timezone.localtime(at), timezone.localtime()
    if local.date() == now.date():
        return date_format(local, "H:i")
    return date_format(local, "j M H:i" if local.year == now.year else "j M Y")


def moment_html(at: datetime) -> SafeString:
    """Return :func:`moment_text` as an element that shows the whole time to the second under the pointer."""
    local = timezone.localtime(at)
    whole = date_format(local, "Y-m-d H:i:s T")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), whole, moment_text(at))


def day_text(day: date) -> str:
    """Return ``21 Nov`` for a day of this year and ``21 Nov 2025`` for any other."""
    return date_format(day, "j M" if day.year == timezone.localdate().year else "j M Y")
