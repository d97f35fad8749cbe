"""Wiring: settings, urls, the Celery application and its schedule, WSGI, the demo."""

from storefront.celery import app as celery_app

__all__ = ["celery_app"]
