"""What becomes of an order form that a visitor sends: it is kept, and the visitor signs in or up."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from catalog.models import Service
from orders.drafts import keep_for_visitor
from orders.pages.forms import OrderForm


def keep_and_sign_in(request: HttpRequest, service: Service, form: OrderForm, *, now: datetime) -> HttpResponse:
    """Keep what a visitor filled in, and lead to signing in or up and from there back to it. Raises NotKept."""
    typed = form.typed()
    is_filled = any(value.strip() for value in typed.values())
    if is_filled:
        keep_for_visitor(request, service.pk, typed, now=now)
    if request.POST.get("keep") == "sign-up":
        entrance = "account_signup"
        text = _("Create your account: your order is kept, and nothing has been placed.")
    else:
        entrance = "account_login"
        text = _("Sign in or create an account: your order is kept, and nothing has been placed.")
    if is_filled:
        messages.info(request, text)
    back = f"{reverse('orders:new')}?service={service.pk}"
    return redirect(f"{reverse(entrance)}?{urlencode({'next': back})}")
