from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.shop.currency_choice import currency_choice, remember_choice


@require_safe
@never_cache
def choose_currency(request: HttpRequest, code: str) -> HttpResponse:
    """Remember in which currency prices are shown beside the shop's own, and lead on to ``next``.

    The shop's own code forgets the choice. 404 for one that is not offered, and for all where none is.
    """
    options = {option.code: option for option in currency_choice(request).options}
    if not options or code not in (*options, settings.SHOP_CURRENCY):
        raise Http404("a currency that the shop does not show")
    target = request.GET.get("next", "")
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    response = HttpResponseRedirect(target if is_ours else reverse("catalog:prices"))
    remember_choice(response, options.get(code))
    return response
