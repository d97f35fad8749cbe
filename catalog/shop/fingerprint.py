"""Tells whether the catalog changed, for what a process keeps of it."""

from django.db import connection

from catalog.models import CatalogWrite

#: Notes of writes that are kept: the fingerprint reads all of them.
MOST_WRITES = 500
#: To be completed by a table: a fingerprint of its rows. Each write of a row gives it a new xmin and a new place, so
#: the sum over the rows changes with whatever is committed, and what was read before differs from what is read after.
WRITES = "SELECT (count(*), sum(hashtidextended(ctid, xmin::text::bigint)))::text FROM"
# Triggers note each write of services, their sources, categories and texts in other languages: a few rows stand for
# tens of thousands. Of providers only the columns that count are taken: others change with every answer. Measured times
# are published once a day, so that day stands for them.
_CATALOG = f"""
    SELECT ({WRITES} catalog_catalogwrite),
           (SELECT md5(coalesce(string_agg(concat_ws(':', id, is_active, sale_stopped, can_refill, can_cancel), ','
                                           ORDER BY id), '')) FROM catalog_provider),
           (SELECT published_on FROM catalog_factsstate)
"""  # noqa: S608  # Only constants of this module are put together.


def catalog_fingerprint() -> str:
    """Return a text that differs after every change of a service, its source, a category, or what a provider can do,
    of the owner's texts in other languages, and once a day when measured times are published.

    One query. Take it before you read the rows: a change in between then gives another fingerprint the next time.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CATALOG)
        return repr(cursor.fetchone())


def forget_writes() -> None:
    """Delete the notes of old writes once there are many; what a process keeps of the catalog is then made anew."""
    newest = CatalogWrite.objects.order_by("-pk").values_list("pk", flat=True)
    many = list(newest[MOST_WRITES : MOST_WRITES + 1])
    if many:
        CatalogWrite.objects.filter(pk__lte=many[0]).delete()
