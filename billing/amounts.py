"""Amounts as people type them: plain digits with a point, nothing a machine has to guess at."""

import re
from decimal import Decimal

from django.utils.translation import gettext as _

from core.money import LIMIT, is_amount
from core.refusals import Refusal

# Not \d: that also matches the digits of other scripts, which a later reader of the log may take for something else.
_PLAIN = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")


class BadAmount(Refusal):
    """What was typed is not an amount that can be posted."""

    code = "bad_amount"


def parse_amount(text: str) -> Decimal:
    """The amount that ``text`` says, such as ``100``, ``0.5`` or ``12.34567``. Raises BadAmount.

    Signs, exponents, thousands separators and decimal commas are refused rather than interpreted.
    """
    if not _PLAIN.fullmatch(text.strip()):
        raise BadAmount(
            _("“%(text)s” is not an amount: write digits and a point, such as 12.50.") % {"text": text[:40]}
        )
    amount = Decimal(text.strip())
    if amount == 0:
        raise BadAmount(_("The amount must be more than 0."))
    if amount >= LIMIT:
        raise BadAmount(_("The amount must be below %(limit)s.") % {"limit": f"{LIMIT:,}"})
    if not is_amount(amount):
        raise BadAmount(_("An amount has at most five places after the point."))
    return amount
