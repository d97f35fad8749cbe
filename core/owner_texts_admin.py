"""The page of the admin on which the owner writes an object's texts in other languages."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.models import LONGEST_TEXT
from core.owner_texts import set_texts, texts_of
from core.shop_admin import ShopModelAdmin, changed_values


class OwnerTextsForm(forms.Form):
    """A field for each text in each other language, called ``name__es``, next to the original."""

    def __init__(self, page: "OwnerTextsAdmin", thing: Any, data: Any = None) -> None:
        written = texts_of(thing, page.texts)
        super().__init__(data, initial={f"{field}__{code}": text for (field, code), text in written.items()})
        for code, language in settings.LANGUAGES:
            for name in page.texts if code != settings.LANGUAGE_CODE else ():
                column = thing._meta.get_field(name)
                is_long = column.max_length is None
                direction = "rtl" if code in settings.LANGUAGES_BIDI else "ltr"
                attrs = {"lang": code, "dir": direction, "cols": 100, **({"rows": 12} if is_long else {"size": 80})}
                self.fields[f"{name}__{code}"] = forms.CharField(
                    label=f"{capfirst(str(column.verbose_name))}, {language}",
                    required=False,
                    max_length=column.max_length or LONGEST_TEXT,
                    widget=(forms.Textarea if is_long else forms.TextInput)(attrs=attrs),
                )
        self._page = page

    def texts(self) -> dict[tuple[str, str], str]:
        """Return the changed texts by field and language, cleaned as the original is."""
        keys = {name: tuple(name.split("__", 1)) for name in self.changed_data}
        return {(f, code): self._page.cleaned_text(f, self.cleaned_data[name]) for name, (f, code) in keys.items()}


class OwnerTextsAdmin(ShopModelAdmin):
    """The admin of a model whose ``texts`` the owner may write in other languages; a link leads to their page."""

    #: Names of the model's fields.
    texts: tuple[str, ...] = ()

    def suggested_texts(self, thing: Any) -> Mapping[tuple[str, str], str]:
        """Return texts by field and language that empty fields may be filled with, on request."""
        return {}

    def cleaned_text(self, field: str, text: str) -> str:
        """Return a typed text as it may be stored."""
        return text

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_languages"
        view = self.admin_site.admin_view(self.languages)
        return [path("<int:object_id>/languages/", view, name=name), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_readonly_fields(request, obj), "other_languages"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = [
            (title, {**options, "fields": [name for name in options["fields"] if name != "other_languages"]})
            for title, options in super().get_fieldsets(request, obj)
        ]
        may_write = obj is not None and self.has_change_permission(request, obj)
        return [*sets, (_("In other languages"), {"fields": ["other_languages"]})] if may_write else sets

    @admin.display(description=_("texts"))
    def other_languages(self, thing: Any) -> SafeString:
        """How many texts there are in each language, and the way to them."""
        written = texts_of(thing, self.texts)
        others = [(code, name) for code, name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
        counted = ", ".join(
            f"{name}: {sum(each == code for _field, each in written)}/{len(self.texts)}" for code, name in others
        )
        page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_languages", args=[thing.pk])
        return format_html('{} · <a href="{}">{}</a>', counted, page, _t("Write them"))

    def languages(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show and save the texts of one object in all other languages."""
        thing: Any = self.get_object(request, str(object_id))
        if thing is None:
            raise Http404
        if not self.has_change_permission(request, thing):
            raise PermissionDenied
        suggested = self.suggested_texts(thing)
        data: Any = request.POST if request.method == "POST" else None
        if data is None and "fill" in request.GET:
            both = {**suggested, **texts_of(thing, self.texts)}
            data = {f"{field}__{code}": text for (field, code), text in both.items()}
        form = OwnerTextsForm(self, thing, data)
        if request.method == "POST" and form.is_valid():
            with transaction.atomic():
                set_texts(thing, form.texts())
                before, after = changed_values(form)
                if form.changed_data:
                    action = f"{self.opts.model_name}.languages"
                    sentence = _t("Changed texts in other languages")
                    self.record(request, thing, action, sentence, before=before, after=after)
            messages.success(request, _t("Saved. Where a text is empty, customers read the original."))
            return HttpResponseRedirect(request.path)
        originals: Mapping[str, str] = {
            capfirst(str(thing._meta.get_field(name).verbose_name)): getattr(thing, name) for name in self.texts
        }
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _t("Texts in other languages"),
            "original": thing,
            "originals": originals,
            "has_suggestions": bool(suggested),
            "form": form,
        }
        return TemplateResponse(request, "admin/core/owner_texts.html", context)
