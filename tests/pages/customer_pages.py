"""The pages about a customer in the admin, filled."""

from accounts.freezing import freeze_customer
from accounts.models import User
from core.clock import database_now
from core.staff_actions import shell_actor
from support.customer_notes import add_customer_note
from tests.pages.cast import customer
from tests.pages.keys import used_key


def customer_with_everything(who: User) -> list[str]:
    """Give a customer a key and a note with long words, freeze another; return the pages about both."""
    now, shop = database_now(), shell_actor()
    key = used_key(who)
    add_customer_note(customer=who, text=f"Pays on the 6th.\n{'long' * 60}", actor=shop, now=now)
    frozen = customer("frozen@example.com", "0")
    freeze_customer(customer_id=frozen.pk, reason="x" * 200, actor=shop, now=now)
    pages = [f"/admin/accounts/user/{who.pk}/{page}/" for page in ("change", "statement", "freeze")]
    pages += [f"/admin/accounts/user/{frozen.pk}/{page}/" for page in ("change", "freeze")]
    return [*pages, f"/admin/accounts/user/{who.pk}/keys/{key.pk}/revoke/"]
