"""Celery as it is, but every doorbell rings thrice: ``python -m tests.battery.chaos.tripled -A storefront worker``."""

import os
from typing import Any


def triple_doorbells() -> None:
    """From now on in this process, and in whatever it forks."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storefront.settings")
    from storefront.celery import app

    ring_once = app.send_task

    def ring(*args: Any, **kwargs: Any) -> Any:
        return [ring_once(*args, **kwargs) for _ in range(3)][-1]

    app.send_task = ring


if __name__ == "__main__":
    from celery.__main__ import main

    triple_doorbells()
    main()
