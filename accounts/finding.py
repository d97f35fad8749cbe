"""Find people by their e-mail address or a part of it, through indexes, whatever their number."""

from accounts.models import EMAIL_DOMAIN, User

#: A part in the middle of an address is looked for among so many of the newest people: no index finds it.
LOOKED_THROUGH = 2000


def people_with(text: str, *, most: int) -> list[User]:
    """Return up to ``most`` people whose address is ``text``, begins like it or contains it, in this order.

    The beginning of an address and of its domain ("@harbor") is looked for among all people, any other part among
    the newest LOOKED_THROUGH.
    """
    if not text:
        return []
    people = User.objects.all()
    found = {person.pk: person for person in people.filter(email__iexact=text)}
    domain = text.rpartition("@")[2]
    searches = [people.filter(email__istartswith=text)]
    if domain:
        searches.append(people.alias(domain=EMAIL_DOMAIN).filter(domain__startswith=domain.upper()))
    newest = list(people.order_by("-pk").values_list("pk", flat=True)[LOOKED_THROUGH - 1 : LOOKED_THROUGH])
    searches.append(people.filter(pk__gte=newest[0] if newest else 0, email__icontains=text))
    for search in searches:
        if len(found) >= most:
            break
        # Sorted afterwards: for the order of an index Postgres would walk through all people.
        more = sorted(search[: most + len(found)], key=lambda person: person.email)
        found |= {person.pk: person for person in more if person.pk not in found}
    return list(found.values())[:most]
