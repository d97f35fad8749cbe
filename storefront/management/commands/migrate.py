from typing import Any

from django.conf import settings
from django.core.management.commands import migrate

from storefront.database_roles import as_owner, grant_rights


class Command(migrate.Command):
    """Django's own, as the role that owns the tables; afterwards the shop's role gets its rights on what is new."""

    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner():
            super().handle(*args, **options)
            if settings.DATABASE_OWNER and not options["plan"]:
                grant_rights(settings.DATABASE_SHOP_ROLE)
