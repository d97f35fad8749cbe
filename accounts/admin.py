"""People in the admin: customers, staff and owners. Passwords and second factors are never shown."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import viewing
from accounts.api_keys import change_status_words, revoke_key
from accounts.customer_filter import CustomerFilter
from accounts.models import ApiKey, StatusWords, User
from accounts.reason_form import ReasonForm
from accounts.second_factor import end_sessions
from accounts.staff_admin import RoleForm, StaffForm, is_owner
from core.clock import database_now
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.shop_admin import ShopModelAdmin


class RoleFilter(admin.SimpleListFilter):
    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("customer", _("Customer")), ("staff", _("Staff")), ("owner", _("Owner"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        wanted = {
            "customer": {"is_staff": False},
            "staff": {"is_staff": True, "is_superuser": False},
            "owner": {"is_superuser": True},
        }
        return queryset.filter(**wanted.get(self.value() or "", {}))


@admin.register(User)
class PersonAdmin(ShopModelAdmin):
    """Nobody is deleted, and only an owner adds staff: others could grant themselves every permission."""

    list_display: tuple[Any, ...] = (
        "email", Lines("role_", "is_verified_"), "is_active", Lines("date_joined", "last_login"),
    )  # fmt: skip
    list_filter = (RoleFilter, "is_active", "date_joined")
    search_fields = ("email",)
    ordering = ("-id",)
    list_per_page = 50
    filter_horizontal = ("groups",)
    actions = ("end_sessions",)

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:pk>/view-as/", self.admin_site.admin_view(self.view_as), name="accounts_user_view_as")
        return [own, *super().get_urls()]

    def view_as(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask why, and show the shop as this customer sees it."""
        if not (self.has_view_permission(request) and request.user.has_perm(viewing.PERMISSION)):
            raise PermissionDenied
        customer = get_object_or_404(User, pk=pk)
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            try:
                viewing.begin(request, customer, reason=form.cleaned_data["reason"], now=database_now())
            except Refusal as refusal:
                form.add_error(None, str(refusal.message))
            else:
                return redirect("catalog:prices")
        context = {
            **self.admin_site.each_context(request),
            "title": _("View the shop as a customer"),
            "opts": self.opts,
            "original": customer,
            "form": form,
        }
        return TemplateResponse(request, "admin/accounts/user/view_as.html", context)

    def has_end_sessions_permission(self, request: HttpRequest) -> bool:
        return is_owner(request)

    @admin.action(description=_("End their sessions: they sign in again"), permissions=["end_sessions"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            with transaction.atomic():
                ended = end_sessions(person)
                self.record(request, person, "person.end_sessions", _t("Sessions ended"), after={"sessions": ended})
        messages.success(request, _t("Their sessions are ended."))

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        is_verified = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True, email__iexact=OuterRef("email"))
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(verified=Exists(is_verified)).prefetch_related("groups")

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = StaffForm
        elif self._may_choose_role(request, obj):
            kwargs["form"] = RoleForm
        return super().get_form(request, obj, change, **kwargs)

    def _may_choose_role(self, request: HttpRequest, person: User) -> bool:
        """True for an owner and another member of staff: there is always one owner left, who is signed in."""
        return is_owner(request) and person.is_staff and person.pk != request.user.pk

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("email", "first_password", "role", "groups")
        # Customers are frozen with a reason instead (`accounts.freezing`).
        facts = ("email", "role_", "is_verified_", "date_joined", "last_login")
        if not obj.is_staff:
            return (*facts, "group")
        return (*facts, "is_active", *(("role",) if self._may_choose_role(request, obj) else ()), "groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        shown = ("email", "role_", "is_verified_", "date_joined", "last_login")
        if not is_owner(request):
            # Only an owner changes the permissions of staff, or whether they can sign in.
            return (*shown, "groups", "is_active") if obj.is_staff else shown
        return (*shown, "is_active") if obj.pk == request.user.pk else shown

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_owner(request) and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def response_post_save_change(self, request: HttpRequest, obj: User) -> HttpResponseRedirect:
        """Lead back to the page of a customer, and of staff to the list."""
        if obj.is_staff:
            return super().response_post_save_change(request, obj)
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[obj.pk]))

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True
            obj.set_password(form.cleaned_data["first_password"])
        super().save_model(request, obj, form, change)
        if not change:
            EmailAddress.objects.create(user=obj, email=obj.email, verified=True, primary=True)

    @admin.display(description=_("role"))
    def role_(self, person: User) -> Any:
        if person.is_superuser:
            return _("Owner")
        if not person.is_staff:
            return _("Customer")
        return ", ".join(sorted(group.name for group in person.groups.all())) or _("Staff without a role")

    @admin.display(description=_("e-mail verified"), boolean=True)
    def is_verified_(self, person: User) -> bool:
        return bool(person.verified)  # type: ignore[attr-defined]  # annotated by get_queryset


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys and their last use. Customers create them; they and owners revoke them and choose the words of answers.

    The keys are not stored.
    """

    list_display = (
        Lines("prefix", "name"), "customer", Lines("scopes", "networks"), "status_words",
        Lines("last_used_at", "created_at"), "revoked_at",
    )  # fmt: skip
    list_filter = (CustomerFilter, ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("customer",)
    search_fields = ("prefix", "name", "customer__email")
    fields = (
        "prefix", "name", "customer", "scopes", "networks", "status_words", "last_used_at", "created_at", "revoked_at",
    )  # fmt: skip
    list_per_page = 50
    actions = ("use_panel_words", "use_smartpanel_words", "revoke")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return is_owner(request)

    @admin.action(description=_("Revoke the selected keys"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        now = database_now()
        with transaction.atomic():
            revoked = [key for key in queryset if revoke_key(customer=key.customer, key_id=key.pk, now=now)]
            self.record_each(request, revoked, "api_key.revoke", _t("Revoked"))
        words = ngettext("%(n)d key is revoked.", "%(n)d keys are revoked.", len(revoked))
        messages.success(request, words % {"n": len(revoked)})

    @admin.action(description=_("Report subscriptions in plain panel words"), permissions=["revoke"])
    def use_panel_words(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        self._change_words(request, queryset, StatusWords.PANEL)

    @admin.action(description=_("Report subscriptions in SmartPanel's words"), permissions=["revoke"])
    def use_smartpanel_words(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        self._change_words(request, queryset, StatusWords.SMARTPANEL)

    def _change_words(self, request: HttpRequest, queryset: QuerySet[ApiKey], words: StatusWords) -> None:
        with transaction.atomic():
            changed = [
                key
                for key in queryset.exclude(status_words=words)
                if change_status_words(customer=key.customer, key_id=key.pk, words=words.value)
            ]
            after = {"status_words": words.value}
            self.record_each(request, changed, "api_key.change", _t("Other words for subscriptions"), after=after)
        said = ngettext("%(n)d key is changed.", "%(n)d keys are changed.", len(changed))
        messages.success(request, said % {"n": len(changed)})


# Only the person can prove an address or a second factor, and sees or ends a session, so staff do not edit these.
admin.site.unregister([EmailAddress, Authenticator, UserSession])
