"""Finds top-ups by what staff type: one question for each index, because an OR over two tables reads every row."""

import re

from django.db.models import Q

from accounts.models import User
from billing.models import PaymentMethod, TopUp, TopUpPayment
from core.numbers import ascii_digits

_REFERENCE = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)


def ids_at_gateways(text: str) -> set[int]:
    """Return the top-ups that have ``text`` as their reference, or as the gateway's id of them or of a payment."""
    # The indexes of the gateways' ids begin with the method, so that every method is named.
    by = list(PaymentMethod.objects.values_list("pk", flat=True))
    found: set[int] = set()
    if _REFERENCE.match(text.lower()):
        found |= set(TopUp.objects.filter(reference=text.lower()).values_list("pk", flat=True))
    if text:
        found |= set(TopUp.objects.filter(method__in=by, remote_id=text).values_list("pk", flat=True))
        paid = TopUpPayment.objects.filter(method__in=by, payment_id=text)
        found |= set(paid.values_list("topup_id", flat=True))
    return found


def matching(word: str) -> Q:
    """Return what picks the top-ups of a word: number, id at the gateway, reference, or a customer's whole address."""
    ids, number = ids_at_gateways(word), ascii_digits(word.upper().removeprefix("T-"))
    if number.isascii() and number.isdigit() and len(number) < 19:
        ids.add(int(number))
    if "@" not in word:
        return Q(pk__in=ids)
    people = User.objects.filter(email__iexact=word).values_list("pk", flat=True)
    return Q(pk__in=ids) | Q(customer__in=list(people))
