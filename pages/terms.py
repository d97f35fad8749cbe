"""The terms: publishing a version, and who accepted it."""

import hashlib
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Subquery
from django.utils.translation import gettext as _

from core.refusals import Refusal
from core.staff_actions import Actor, record_staff_action
from pages.models import OwnPage, TermsAcceptance, TermsVersion


class SameTerms(Refusal):
    """The text is that of the version in force."""

    code = "same_terms"


def current_terms() -> TermsVersion | None:
    """Return the version in force without its text, or None while no page of terms is published.

    Its ``slug`` is that of the page, for templates.
    """
    slug = OwnPage.objects.filter(is_terms=True, is_published=True).values("slug")
    versions = TermsVersion.objects.annotate(slug=Subquery(slug)).exclude(slug=None)
    return versions.defer("body").order_by("-number").first()


@transaction.atomic
def publish_terms(page: OwnPage, *, actor: Actor) -> TermsVersion:
    """Publish the saved text of ``page`` as a new version, which customers are asked to accept; return it.

    Raises SameTerms for the text of the version in force.
    """
    page = OwnPage.objects.select_for_update().get(pk=page.pk, is_terms=True)
    newest = TermsVersion.objects.first()
    if newest and page.is_published and (newest.title, newest.body) == (page.title, page.body):
        raise SameTerms(_("This is the text in force already. Change the page and save it first."))
    version = TermsVersion.objects.create(
        number=newest.number + 1 if newest else 1,
        title=page.title,
        body=page.body,
        digest=hashlib.sha256(page.body.encode()).hexdigest(),
        published_by=actor.code,
    )
    page.is_published = True
    page.save(update_fields=["is_published", "changed_at"])
    after = {"version": version.number, "digest": version.digest}
    record_staff_action(actor, "terms.publish", page, after=after)
    return version


def has_accepted(customer: AbstractBaseUser, version: TermsVersion) -> bool:
    return TermsAcceptance.objects.filter(customer_id=customer.pk, version=version).exists()


def accept_terms(customer: AbstractBaseUser, version: TermsVersion, *, address: str, now: datetime) -> None:
    """Write down that ``customer`` accepted ``version``; a second time changes nothing."""
    row = TermsAcceptance(customer_id=customer.pk, version=version, at=now, address=address or None)
    TermsAcceptance.objects.bulk_create([row], ignore_conflicts=True)
