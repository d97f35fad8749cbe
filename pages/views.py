from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from core.owner_texts import attach, shown
from core.page_meta import page_meta
from core.revalidation import revalidated_for_visitors
from pages.markdown import opening, rendered
from pages.models import OwnPage, TermsVersion


@require_safe
@revalidated_for_visitors
def own_page(request: HttpRequest, slug: str) -> HttpResponse:
    """A published page. Staff see the saved text of any page with ``?preview``, and of one that is not published."""
    page = get_object_or_404(OwnPage, slug=slug)
    is_preview = ("preview" in request.GET or not page.is_published) and _may_preview(request)
    if not page.is_published and not is_preview:
        raise Http404
    if page.is_terms and not is_preview:
        return _terms(request, page, TermsVersion.objects.first())
    attach(page)
    title, text = shown(page, "title"), rendered(shown(page, "body"))
    context = {"own_page": page, "title": title, "text": text, "is_preview": is_preview}
    context["meta"] = page_meta(title=title, description=opening(text), path=page.get_absolute_url())
    return render(request, "pages/page.html", context)


@require_safe
@revalidated_for_visitors
def terms_version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version of the terms, as it was published, for as long as terms are published at all."""
    page = get_object_or_404(OwnPage, slug=slug, is_terms=True, is_published=True)
    return _terms(request, page, get_object_or_404(TermsVersion, number=number))


def _terms(request: HttpRequest, page: OwnPage, version: TermsVersion | None) -> HttpResponse:
    if version is None:
        raise Http404
    versions = list(TermsVersion.objects.defer("body"))
    text = rendered(version.body)
    context = {
        "own_page": page,
        "title": version.title,
        "text": text,
        # Search engines should know the terms in force alone.
        "meta": page_meta(title=version.title, description=opening(text), path=page.get_absolute_url()),
        "version": version,
        "newest": versions[0],
        "others": [other for other in versions if other.number != version.number],
    }
    return render(request, "pages/page.html", context)


def _may_preview(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_staff and request.user.has_perm("pages.view_ownpage"))
