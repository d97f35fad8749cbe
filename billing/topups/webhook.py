"""The door for gateways' calls. It stores a genuine call, and does nothing else."""

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt

from billing.gateways.registry import UnknownGateway
from billing.models import PaymentMethod
from billing.topups import events
from core.clock import database_now
from core.secrets import SecretUnreadable

#: The longest body that is read, in bytes: real ones have a few thousand.
MOST_BODY = 256 * 1024


@csrf_exempt
def webhook(request: HttpRequest, token: str) -> HttpResponse:
    """Take the call of a gateway: 200 once it is stored, 400 if it is not genuine, 404 for an unknown address."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    method = PaymentMethod.objects.filter(token=token).first()
    if method is None:
        raise Http404
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return HttpResponse(status=415)
    try:
        body = request.body
    except RawPostDataException:
        return HttpResponse(status=400)  # a form with files, which no gateway sends
    except RequestDataTooBig:
        return HttpResponse(status=413)
    if len(body) > MOST_BODY:
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        is_genuine = events.receive(method, headers=headers, body=body, now=database_now())
    except (UnknownGateway, SecretUnreadable):
        return HttpResponse(status=503)
    return HttpResponse(status=200 if is_genuine else 400)
