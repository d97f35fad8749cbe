"""Notes of staff about a customer. The customer never sees them, and nobody changes one."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.refusals import Refusal
from core.staff_actions import Actor, record_staff_action
from support.models import LONGEST_CUSTOMER_NOTE, CustomerNote

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class BadNote(Refusal):
    """The note is empty or too long."""

    code = "bad_note"


def add_customer_note(*, customer: User, text: str, actor: Actor, now: datetime) -> bool:
    """Add a note; return False if it is the newest one already, as after a second click. Raises BadNote."""
    plain = _CONTROL.sub("", text.replace("\r\n", "\n")).strip()
    if not plain:
        raise BadNote(_("Please write a note."))
    if len(plain) > LONGEST_CUSTOMER_NOTE:
        words = {"count": f"{len(plain):,}", "most": f"{LONGEST_CUSTOMER_NOTE:,}"}
        raise BadNote(_("The note has %(count)s characters. At most %(most)s fit; shorten it.") % words)
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=customer.pk)
        newest = CustomerNote.objects.filter(customer=customer).order_by("-id").values_list("text", flat=True).first()
        if newest == plain:
            return False
        CustomerNote.objects.create(customer=customer, author=actor.name[:254], text=plain, created_at=now)
        record_staff_action(actor, "customer.note", customer)
    return True
