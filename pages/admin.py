"""The owner's pages in the admin, the versions of the terms, and who accepted them."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.list_columns import Lines
from core.owner_texts_admin import OwnerTextsAdmin
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.shop_settings import shop_settings
from core.staff_actions import staff_actor
from pages.markdown import rendered
from pages.menu import MOST
from pages.models import OwnPage, Place, TermsAcceptance, TermsVersion
from pages.starting_texts import STARTING_TEXTS, first_values
from pages.terms import publish_terms


class OwnPageForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = OwnPage
        fields = ("title", "slug", "body", "is_published", "place", "position", "is_terms")
        widgets = {"body": forms.Textarea(attrs={"rows": 30, "cols": 100})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if body := self.fields.get("body"):  # who may only view has no such field
            more = _t(
                "A picture is a file in the folder static/ of the shop, put there before the image is built or "
                "collectstatic runs; then write ![what it shows](/static/name.jpg)."
            )
            body.help_text = f"{body.help_text} {more}"

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if not cleaned.get("is_published"):
            return cleaned
        # 1. Nobody could have accepted terms of which there is no version.
        if cleaned.get("is_terms") and not TermsVersion.objects.exists():
            words = _t("Save the terms without this, then choose Publish as a new version.")
            self.add_error("is_published", ValidationError(words))
        # 2. A menu of everything helps nobody to find a page.
        place = cleaned.get("place") or Place.NOWHERE.value
        others = OwnPage.objects.filter(is_published=True, place=place).exclude(pk=self.instance.pk).count()
        if place and others >= MOST[Place(place)]:
            words = _t("This part of the menu has %(n)d pages already. Choose another place, or take one of them out.")
            self.add_error("place", ValidationError(words % {"n": others}))
        return cleaned


@admin.register(OwnPage)
class OwnPageAdmin(OwnerTextsAdmin):
    """Pages of the owner. A new one may start from a text of ours; terms are published one version after the other.

    Of terms only the title in the menu is shown in other languages: customers accept one text.
    """

    texts = ("title", "body")

    def suggested_texts(self, thing: OwnPage) -> dict[tuple[str, str], str]:
        """Those that a page starts from, in their translations."""
        found = {code: first_values(thing.slug, shop_settings(), code) for code, _name in settings.LANGUAGES}
        return {(field, code): values[field] for code, values in found.items() if values for field in self.texts}

    form = OwnPageForm
    change_list_template = "admin/pages/ownpage/change_list.html"
    change_form_template = "admin/pages/ownpage/change_form.html"
    list_display = (Lines("title", "slug"), "is_published", "is_terms", "place", "position", "changed_at")
    list_filter = ("is_published", "place")
    search_fields = ("title", "slug")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.publish)
        return [path("<int:page_id>/publish/", view, name="pages_ownpage_publish"), *super().get_urls()]

    def view_on_site(self, obj: OwnPage) -> str:
        return f"{obj.get_absolute_url()}?preview"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_changeform_initial_data(request), **first_values(_start(request), shop_settings())}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        taken = set(OwnPage.objects.values_list("slug", flat=True))
        starts = [text for text in STARTING_TEXTS if text.slug not in taken]
        return super().changelist_view(request, {"starts": starts, **(extra_context or {})})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        about = {"starts_from": bool(first_values(_start(request), shop_settings()))}
        return super().add_view(request, form_url, {**about, **(extra_context or {})})

    def publish(self, request: HttpRequest, page_id: int) -> HttpResponse:
        """Show the saved text of the terms and what publishing it does; then publish it as a new version."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        page = OwnPage.objects.filter(pk=page_id, is_terms=True).first()
        if page is None:
            raise Http404
        if request.method == "POST":
            try:
                version = publish_terms(page, actor=staff_actor(request))
            except Refusal as refusal:
                messages.error(request, str(refusal.message))
            else:
                self.note_in_history(request, page, _t("Published as version %(n)d") % {"n": version.number})
                words = _t("Version %(n)d is published. Customers are asked once, at their next sign-in.")
                messages.success(request, words % {"n": version.number})
            return HttpResponseRedirect(reverse("admin:pages_ownpage_change", args=[page.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _t("Publish as a new version"),
            "page": page,
            "newest": TermsVersion.objects.first(),
            "text": rendered(page.body),
        }
        return TemplateResponse(request, "admin/pages/ownpage/publish.html", context)


def _start(request: HttpRequest) -> str:
    """The text that a new page starts from, as the address names it."""
    return request.GET.get("start", "")


@admin.register(TermsVersion)
class TermsVersionAdmin(ReadOnlyAdmin):
    """Every version of the terms, as published, with how many customers accepted it."""

    list_display = ("number", "title", "published_at", "published_by", "accepted_")
    fields = ("number", "title", "published_at", "published_by", "accepted_", "digest", "text_")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TermsVersion]:
        versions: QuerySet[TermsVersion] = super().get_queryset(request)
        return versions.annotate(accepted=Count("acceptances"))

    def view_on_site(self, obj: TermsVersion) -> str | None:
        page = OwnPage.objects.filter(is_terms=True, is_published=True).first()
        return reverse("pages:version", args=[page.slug, obj.number]) if page else None

    @admin.display(description=_("accepted by"))
    def accepted_(self, version: TermsVersion) -> int:
        return int(version.accepted)  # type: ignore[attr-defined]  # annotated by get_queryset

    @admin.display(description=_("text"))
    def text_(self, version: TermsVersion) -> SafeString:
        return rendered(version.body)


@admin.register(TermsAcceptance)
class TermsAcceptanceAdmin(ReadOnlyAdmin):
    """Who accepted which version of the terms, when, and from where."""

    list_display = ("customer", "version", "at", "address")
    fields = list_display
    list_select_related = ("customer", "version")
    list_filter = ("at",)
    search_fields = ("=customer__email", "=address")
    search_help_text = _("E-mail of a customer, or an address")
    list_per_page = 50
