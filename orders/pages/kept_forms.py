"""What becomes of an order form that a visitor sends: it is kept, and the visitor signs in or up."""

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog.models import Service
from core.clock import database_now
from orders.drafts import NotKept, keep_for_visitor
from orders.pages.forms import OrderForm


def keep_and_sign_in(request: HttpRequest, service: Service | None) -> HttpResponse:
    """Keep a form that was sent for ``service``, and lead to signing in and from there back to the form."""
    if request.method != "POST" or service is None:
        return redirect_to_login(request.get_full_path())
    try:
        keep_for_visitor(request, service.pk, OrderForm(service, request.POST).typed(), now=database_now())
        messages.info(request, _("Sign in or create an account: your order is kept, and nothing has been placed."))
    except NotKept as refusal:
        messages.error(request, str(refusal.message))
    return redirect_to_login(f"{reverse('orders:new')}?service={service.pk}")
