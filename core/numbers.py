"""Numbers as people and spreadsheets write them: digits of every script, and the separators of every country.

What could be read in two ways is refused: 1,234 may be more than a thousand, or a little more than one.
"""

import re
import unicodedata
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from core.refusals import Refusal

#: Signs with which somebody parts thousands and nobody a fraction.
_PARTING = "'’`´_ "
_SIGNS = str.maketrans({"٫": ",", "٬": "’", "،": ",", "，": ",", "．": ".", "‚": ",", "−": "-", "＋": "+", "－": "-"})
_WHOLE = re.compile(r"\d{1,15}\Z", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:([.,’])\d{3})(?:\1\d{3})*\Z", re.ASCII)
#: 12,34,567: thousands as India parts them.
_LAKHS = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}\Z", re.ASCII)
_NUMBER = re.compile(r"(-?)([\d.,’]+)(?:[eE]([+-]?\d{1,2}))?\Z", re.ASCII)


class NotANumber(Refusal):
    """The text is no number, or could be two different ones."""

    code = "not_a_number"


def ascii_digits(text: str) -> str:
    """Return the text with every decimal digit, of whatever script, as one of 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(value) if (value := unicodedata.decimal(c, None)) is not None else c for c in text)


def _plain(text: str) -> str:
    """The text with plain digits and few kinds of signs, without blanks around it and invisible marks."""
    text = ascii_digits(text).translate(_SIGNS)
    text = "".join(" " if c.isspace() else c for c in text if unicodedata.category(c) != "Cf").strip()
    return re.sub(rf"(?<=\d)[{_PARTING}](?=\d)", "’", text)


def read_whole(text: str) -> int | None:
    """Return the whole number of at most 15 digits that somebody typed, thousands parted or not; None for all else."""
    if _WHOLE.match(text):
        return int(text)
    plain = _plain(text)
    if _GROUPED.match(plain) or _LAKHS.match(plain):
        plain = re.sub(r"[.,’]", "", plain)
    return int(plain) if _WHOLE.match(plain) else None


def read_decimal(text: str, *, point: str = "", exponents: bool = False) -> Decimal:
    """Return the number in ``text``; a currency sign before or after it is left out.

    ``point`` is the sign before the fraction, "." or ",", where the file or form has one. ``exponents`` allows 1E-05,
    as spreadsheets write small numbers. Raises NotANumber.
    """
    plain = _plain(text)
    plain = "".join(c for c in plain if unicodedata.category(c) != "Sc").strip()
    found = _NUMBER.match(plain)
    if found is None or (found[3] and not exponents):
        raise NotANumber(_("Please enter a number, such as 5.50."))
    sign, digits, exponent = found.groups()
    signs = [c for c in digits if not c.isdigit()]
    used = set(signs)
    fraction = ""
    if {",", "."} <= used or used & {",", "."} and "’" in used:
        # Two kinds: the last is the one before the fraction, and stands once.
        fraction = signs[-1]
        if fraction == "’" or signs.count(fraction) > 1 or len(used) > 2:
            raise NotANumber(_("Please enter a number, such as 5.50."))
    elif len(signs) == 1 and signs[0] != "’":
        (fraction,) = signs
        before, _sign, after = digits.partition(fraction)
        if fraction != point and len(after) == 3 and 1 <= len(before) <= 3 and before.lstrip("0"):
            two = {"thousands": before + after, "fraction": f"{before}.{after}0"}
            raise NotANumber(_("This may be %(thousands)s or %(fraction)s. Write it as one of them.") % two)
    whole, _sign, after = digits.rpartition(fraction) if fraction else (digits, "", "")
    if re.search(r"[.,’]", whole):
        if not (_GROUPED.match(whole) or _LAKHS.match(whole)):
            raise NotANumber(_("Please enter a number, such as 5.50."))
        whole = re.sub(r"[.,’]", "", whole)
    if not (whole or after) or len(whole) + len(after) > 40:
        raise NotANumber(_("Please enter a number, such as 5.50."))
    return Decimal(f"{sign}{whole or '0'}{f'.{after}' if after else ''}{f'E{exponent}' if exponent else ''}")


def plain_number(value: Decimal) -> str:
    """The number as people write it, neither an exponent nor zeros at the end: 0 and 0.5, not 0E-18 or 0.500000."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class NumberField(forms.DecimalField):
    """A decimal in an owner's form, in text as above. The shop shows a point before the fraction, so a point is one."""

    widget = forms.TextInput

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "decimal", "autocomplete": "off", "dir": "ltr"}

    def prepare_value(self, value: Any) -> Any:
        """The number as people write it: 0 and 0.5, not 0E-18 or 0.500000."""
        if isinstance(value, Decimal) and value.is_finite():
            return plain_number(value)
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # the stubs think of IntegerField
        if isinstance(value, str) and value.strip():
            try:
                value = read_decimal(value, point=".")
            except NotANumber as refusal:
                raise ValidationError(str(refusal.message), code="invalid") from None
        return super().to_python(value)
