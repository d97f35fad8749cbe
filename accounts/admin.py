"""People in the admin: customers, staff and owners. Passwords and second factors are never shown."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.api_keys import change_status_words, revoke_key
from accounts.models import ApiKey, StatusWords, User
from accounts.second_factor import end_sessions
from core.clock import database_now
from core.read_only_admin import ReadOnlyAdmin
from core.shop_admin import ShopModelAdmin

#: Keys listed on the page of their customer, newest first.
KEYS_SHOWN = 10
ROLES = ("is_staff", "is_superuser", "groups")


class StaffForm(forms.ModelForm):  # type: ignore[type-arg]
    """Add a member of staff. Customers sign up themselves, or `manage.py create_customer` adds them."""

    # Not "password": the form would write the plain text into that column, which holds the hash.
    first_password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Ask them to change it after the first sign-in."),
    )

    class Meta:
        model = User
        fields = ("email", "is_superuser", "groups")
        # It is somebody else's address, so the browser must not fill in the owner's.
        widgets = {"email": forms.EmailInput(attrs={"autocomplete": "off", "size": 40})}
        labels = {"is_superuser": _("Owner")}
        help_texts = {"is_superuser": _("Can see and do everything. Otherwise the groups decide.")}

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        is_taken = EmailAddress.objects.filter(email__iexact=email, verified=True).exists()
        if is_taken or User.objects.filter(email__iexact=email).exists():
            raise ValidationError(_("A person with this e-mail address exists already."))
        return email

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        password = self.cleaned_data.get("first_password")
        if password:
            try:
                validate_password(password, User(email=self.cleaned_data.get("email", "")))
            except ValidationError as problem:
                self.add_error("first_password", problem)
        return cleaned


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

    list_display: tuple[str, ...] = ("email", "role_", "is_verified_", "is_active", "date_joined", "last_login")
    list_filter = (RoleFilter, "is_active", "date_joined")
    search_fields = ("email",)
    ordering = ("-id",)
    list_per_page = 50
    filter_horizontal = ("groups",)
    actions = ("end_sessions",)

    def has_end_sessions_permission(self, request: HttpRequest) -> bool:
        return _is_owner(request)

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
        return people.annotate(verified=Exists(is_verified))

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({"form": StaffForm} if obj is None else {}), **kwargs)

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("email", "first_password", "is_superuser", "groups")
        facts = ("email", "role_", "is_verified_", "is_active", "date_joined", "last_login")
        return (*facts, "is_superuser", "groups") if obj.is_staff else (*facts, "group")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        shown = ("email", "role_", "is_verified_", "date_joined", "last_login")
        if not _is_owner(request):
            # Only an owner changes the permissions of staff, or whether they can sign in.
            return (*shown, *ROLES, "is_active") if obj.is_staff else (*shown, *ROLES)
        return (*shown, "is_active", "is_superuser") if obj.pk == request.user.pk else shown

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_owner(request) and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        person = self.get_object(request, object_id)
        about: dict[str, Any] = {}
        if person is not None and not person.is_staff and request.user.has_perm("accounts.view_apikey"):
            about = {"keys": ApiKey.objects.filter(customer=person)[:KEYS_SHOWN]}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

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
        return _("Staff") if person.is_staff else _("Customer")

    @admin.display(description=_("e-mail verified"), boolean=True)
    def is_verified_(self, person: User) -> bool:
        return bool(person.verified)  # type: ignore[attr-defined]  # annotated by get_queryset


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys and their last use. Customers create them; they and owners revoke them and choose the words of answers.

    The keys are not stored.
    """

    list_display = (
        "prefix",
        "name",
        "customer",
        "scopes",
        "networks",
        "status_words",
        "last_used_at",
        "created_at",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("customer",)
    search_fields = ("prefix", "name", "customer__email")
    fields = list_display
    list_per_page = 50
    actions = ("use_panel_words", "use_smartpanel_words", "revoke")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return _is_owner(request)

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


def _is_owner(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


# Only the person can prove an address or a second factor, and sees or ends a session, so staff do not edit these three.
# Groups get a page of ours.
admin.site.unregister([EmailAddress, Authenticator, UserSession, Group])


@admin.register(Group)
class StaffGroupAdmin(ShopModelAdmin):
    """Groups of permissions. Only owners see and change them: who edits a group gives every right to its members."""

    list_display = ("name", "members_")
    search_fields = ("name",)
    ordering = ("name",)
    filter_horizontal = ("permissions",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups: QuerySet[Group] = super().get_queryset(request)
        return groups.annotate(members=Count("user"))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            # Their names show the app and the kind of row, which are read with the permissions.
            kwargs["queryset"] = Permission.objects.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_owner(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_owner(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_owner(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_owner(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_owner(request)

    @admin.display(description=_("members"), ordering="members")
    def members_(self, group: Group) -> int:
        return int(group.members)  # type: ignore[attr-defined]  # annotated by get_queryset
