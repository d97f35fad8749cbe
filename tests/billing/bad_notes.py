"""Notes of customers and about them that the database must not take."""

from orders.models import OrderNote
from support.models import CustomerNote
from tests.billing.bad_rows import Shop, refuses


@refuses("order_note_bounded")
def an_empty_note(shop: Shop) -> None:
    OrderNote.objects.create(order=shop.order, text="")


@refuses("customer_note_bounded")
def an_empty_note_about_a_customer(shop: Shop) -> None:
    CustomerNote.objects.create(customer=shop.alice, author="owner@example.com", text="")
