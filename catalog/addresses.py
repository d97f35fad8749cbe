"""Validation of providers' API addresses."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from upstream.addresses import check_url


def validate_provider_url(url: str) -> None:
    """Field validator: https or http, and no private or loopback host unless the operator allows it."""
    try:
        check_url(url, allow_private=settings.ALLOW_PRIVATE_PROVIDER_HOSTS)
    except ValueError as problem:
        raise ValidationError(str(problem)) from None


def demand_encryption(url: str) -> None:
    """Raises ValidationError for a plain http address: everybody on the way could read the key.

    For new addresses only, so that a shop that has such a provider can still change its other settings.
    """
    if url.strip().lower().startswith("http:") and not settings.ALLOW_PRIVATE_PROVIDER_HOSTS:
        raise ValidationError(_("Use an https:// address: over http:// anybody on the way can read your API key."))
