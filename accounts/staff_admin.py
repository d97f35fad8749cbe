"""Who of the staff may do what: the role of a person, and the page of a group with its limits of money."""

from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffLimit, StaffRole, User
from accounts.roles import OWNER, ROLES
from core.money import LIMIT
from core.numbers import NumberField
from core.shop_admin import ShopModelAdmin
from core.templatetags.money import money_text

#: Instead of a ready role: what the groups below allow together.
OWN_GROUPS = "groups"


def limit_words(limit: StaffLimit | None) -> str:
    """Return how much money a group lets its members move by hand, as a sentence."""
    day, action = (limit.per_day, limit.per_action) if limit else (None, None)
    if day is not None and action is not None:
        words = {"day": money_text(day), "action": money_text(action)}
        return _t("Moves at most %(action)s by one action and %(day)s a day.") % words
    if day is not None:
        return _t("Moves at most %(day)s a day.") % {"day": money_text(day)}
    if action is not None:
        return _t("Moves at most %(action)s by one action.") % {"action": money_text(action)}
    return _t("No limit of money.")


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Choose the role of a member of staff: a ready one, the owner's, or groups of one's own."""

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect, required=False)

    class Meta:
        model = User
        fields = ("groups",)
        labels = {"groups": _("Groups")}
        help_texts = {
            "groups": _("They count with the last choice above. With several groups the strictest limit counts.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = StaffRole.objects.filter(group__isnull=False).select_related("group__money_limit")
        self.ready = {row.code: row.group for row in rows if row.group is not None}
        choices: list[tuple[str, str]] = [
            (OWNER, _t("Owner. Sees and does everything, and adds staff. No limit of money."))
        ]
        for role in ROLES:
            if (group := self.ready.get(role.code)) is not None:
                limit = limit_words(getattr(group, "money_limit", None)) if role.per_day is not None else ""
                choices.append((role.code, f"{group.name}. {role.may} {limit}".strip()))
        choices.append((OWN_GROUPS, _t("Groups of your own. May do what the groups below allow together.")))
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = choices
        self.initial["role"] = self._role_now()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        role = self.cleaned_data.get("role") or OWN_GROUPS
        if role in self.ready:
            self.cleaned_data["groups"] = Group.objects.filter(pk=self.ready[role].pk)
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """As every form; an owner is a superuser."""
        self.instance.is_superuser = self.cleaned_data.get("role") == OWNER
        return super().save(commit)

    def _role_now(self) -> str:
        if self.instance.pk is None:
            return OWN_GROUPS
        if self.instance.is_superuser:
            return OWNER
        own = {*self.instance.groups.values_list("pk", flat=True)}
        return next((code for code, group in self.ready.items() if own == {group.pk}), OWN_GROUPS)


class StaffForm(RoleForm):
    """Add a member of staff. Customers sign up themselves, or `manage.py create_customer` adds them."""

    # Not "password": the form would write the plain text into that column, which holds the hash.
    first_password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Ask them to change it after the first sign-in."),
    )

    class Meta(RoleForm.Meta):
        fields = ("email", "groups")  # type: ignore[assignment]
        # It is somebody else's address, so the browser must not fill in the owner's.
        widgets = {"email": forms.EmailInput(attrs={"autocomplete": "off", "size": 40})}

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


class GroupForm(forms.ModelForm):  # type: ignore[type-arg]
    """A group with its limits of money."""

    per_action = NumberField(
        label=_("Limit of one action"), required=False, min_value=0, max_digits=20, decimal_places=5,
        help_text=_("The most money, in the shop's currency, that a member moves by hand at once. Empty: no limit."),
    )  # fmt: skip
    per_day = NumberField(
        label=_("Limit of a day"), required=False, min_value=0, max_digits=20, decimal_places=5,
        help_text=_(
            "The most that each member moves by hand in a day: refunds, credits, debits, payments approved or sent "
            "back, vouchers, write-offs. Empty: no limit. Only an owner goes above it."
        ),
    )  # fmt: skip

    class Meta:
        model = Group
        fields = ("name", "permissions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = StaffLimit.objects.filter(group=self.instance.pk).first()
        if limit is not None:
            self.initial.update(per_day=limit.per_day, per_action=limit.per_action)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for name in ("per_day", "per_action"):
            if (self.cleaned_data.get(name) or 0) >= LIMIT:
                self.add_error(name, _t("Write a smaller amount."))
        return cleaned


# Instead of Django's own page.
admin.site.unregister(Group)


@admin.register(Group)
class StaffGroupAdmin(ShopModelAdmin):
    """Groups of permissions. Only owners see and change them: who edits a group gives every right to its members."""

    form = GroupForm
    list_display = ("name", "members_", "limits_", "ready_")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "ready_", "per_action", "per_day", "permissions")
    readonly_fields = ("ready_",)
    filter_horizontal = ("permissions",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups: QuerySet[Group] = super().get_queryset(request)
        return groups.select_related("money_limit", "ready_role").annotate(members=Count("user"))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            # Their names show the app and the kind of row, which are read with the permissions.
            kwargs["queryset"] = Permission.objects.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        limits = {name: form.cleaned_data[name] for name in ("per_day", "per_action")}
        StaffLimit.objects.update_or_create(group=obj, defaults=limits)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_owner(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_owner(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request)

    @admin.display(description=_("members"), ordering="members")
    def members_(self, group: Group) -> int:
        return int(group.members)  # type: ignore[attr-defined]  # annotated by get_queryset

    @admin.display(description=_("money by hand"))
    def limits_(self, group: Group) -> str:
        return limit_words(getattr(group, "money_limit", None))

    @admin.display(description=_("may do"))
    def ready_(self, group: Group) -> str:
        code = getattr(getattr(group, "ready_role", None), "code", "")
        may = {role.code: str(role.may) for role in ROLES}
        return may.get(code, _t("What the permissions say."))


def is_owner(request: HttpRequest) -> bool:
    """True for an owner who is signed in."""
    return bool(request.user.is_active and request.user.is_superuser)
