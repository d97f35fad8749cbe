"""Validation of providers' API addresses."""

from django.conf import settings
from django.core.exceptions import ValidationError

from upstream.addresses import check_url


def validate_provider_url(url: str) -> None:
    """Field validator: https or http, and no private or loopback host unless the operator allows it."""
    try:
        check_url(url, allow_private=settings.ALLOW_PRIVATE_PROVIDER_HOSTS)
    except ValueError as problem:
        raise ValidationError(str(problem)) from None
