"""Calls to addresses that are nearly the API's: JSON that names the right one, because programs show no page.

Nothing is read from such a call. Its path is not logged as it came, since some programs write the key into it.
"""

import re

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from api.errors import wrong_address
from api.messages import ErrorAnswer

#: Both are the API itself.
PATHS = frozenset({"/api/v2", "/api/v2/"})
_NEARLY = re.compile(
    r"/+(?:api(?:v?[0-9].*|[^a-z0-9_-].*)?|adminapi\b.*|v[0-9]+(?:[^a-z0-9_-].*)?|index\.php)\Z",
    re.IGNORECASE | re.DOTALL,
)
#: Pages of the shop for people and machines.
_PAGES = frozenset({"/api", "/api/", "/api/v2/openapi.json"})


def answer_to_wrong_address(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a call that was meant for the API and has another address; None for all other requests."""
    path, is_read = request.path_info, request.method in ("GET", "HEAD")
    if path == "/":
        # The front page has no form that is sent to it.
        return None if is_read or request.method == "OPTIONS" else _refusal(request, status=405)
    if path in PATHS or not _NEARLY.match(path):
        return None
    if is_read and path in _PAGES and not _names_a_call(request):
        return None
    return _refusal(request, status=404)


def _names_a_call(request: HttpRequest) -> bool:
    return re.search(r"(?:^|&)(?:key|action)=", request.META.get("QUERY_STRING", ""), re.IGNORECASE) is not None


def _refusal(request: HttpRequest, *, status: int) -> HttpResponse:
    answer = HttpResponse(
        msgspec.json.encode(ErrorAnswer(wrong_address(f"{settings.SHOP_URL}/api/v2"))),
        content_type="application/json",
        status=status,
        headers={"Cache-Control": "no-store, private", **({"Allow": "GET, HEAD"} if status == 405 else {})},
    )
    # Django would log the path.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer
