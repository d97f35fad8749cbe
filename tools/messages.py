"""Keep the catalogs of translations: `messages.py update`, `check [--complete]` or `compile` (docs/languages.md).

Only texts that customers see are extracted. The admin, the commands and the API documentation stay English.
"""

import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import templatize

LOCALE = Path("locale")
#: Plural forms as Django's own catalogs have them; Babel's rule for Arabic exchanges the last two.
PLURALS = {
    "es": "nplurals=2; plural=(n != 1);",
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
}
#: How many of a language's first plural forms stand for one number each, so that they may do without its digits.
FORMS_OF_ONE_NUMBER = {"es": 1, "ar": 3}
#: Texts of the owner's side. What is on no line of this list is extracted, so that a new file is never forgotten.
ENGLISH_ONLY = (
    "api/*", "bench/*", "notices/*", "tests/*", "tools/*", "upstream/*", "*/admin.py", "*_admin.py", "*/admin/*",
    "*/apps.py", "*/management/*", "*/migrations/*",
    "storefront/admin_site.py", "storefront/cockpit/*", "storefront/demo/*", "storefront/opening.py",
    "core/models.py", "accounts/customer_filter.py", "accounts/customers.py",
    "accounts/role_models.py", "accounts/roles.py",
    "accounts/second_factor.py", "accounts/staff_limits.py", "accounts/viewing.py", "pages/terms.py",
    "accounts/freezing.py", "accounts/reason_form.py", "support/customer_notes.py",
    "billing/gateways/*", "billing/models/files.py", "billing/models/methods.py",
    "billing/topups/alerts.py", "billing/topups/applying.py", "billing/topups/events.py", "billing/topups/looking.py",
    "billing/topups/deciding.py", "billing/topups/refunding.py", "billing/topups/refunds_by_hand.py",
    "catalog/addresses.py", "catalog/prices/*", "catalog/providers/*", "catalog/sync/*", "catalog/shop/bulk_edit.py",
    "catalog/shop/equivalents.py", "catalog/models/diff.py", "catalog/models/facts.py", "catalog/models/provider.py",
    "catalog/models/rule.py", "catalog/models/unlisted.py", "orders/auditing/*", "orders/books/*",
    "orders/cancel_by_hand.py", "orders/decisions.py", "orders/jobs/by_staff.py", "orders/jobs/plans.py",
    "orders/link_change.py", "orders/note_by_hand.py", "orders/refill_by_hand.py", "orders/refund_by_hand.py",
    "orders/doubt/*", "orders/facts/*", "orders/forwarding/*", "orders/freezing.py",
    "orders/models/*", "orders/settling_by_hand.py", "orders/templatetags/freezing.py", "orders/thawing/*",
    "templates/admin/*", "templates/api/*", "templates/notices/*", "templates/parts/viewing.html",
    "templates/registration/*",
)  # fmt: skip
KEYWORDS = {
    "_": None, "_t": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip
_CHOICES = re.compile(r"^class \w+\(models\.\w*Choices\):\n(?:[ \t]+.*\n|\n)*", re.MULTILINE)
_HEADER_OF_NOBODY = re.compile(rb'"(Project-Id|Report-|POT-|PO-|Last-T|Language-Team|Generated-By)[^\n]*\n')
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[#0 +-]*[\d.]*[a-zA-Z%]")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|&\w+;")


def sources() -> Iterator[str]:
    """Give the files whose texts customers see."""
    listed = subprocess.check_output(  # noqa: S603 - no argument from outside
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "templates"],  # noqa: S607
        text=True,
    )
    for name in sorted(set(listed.split())):
        if Path(name).exists() and not any(fnmatch(name, pattern) for pattern in ENGLISH_ONLY):
            yield name


def python_of(name: str) -> str:
    """Return what Babel can read of a file: a template becomes calls of gettext, models only their choices.

    The other texts of models label columns and forms of the admin.
    """
    source = Path(name).read_text()
    if not name.endswith(".py"):
        # Templates are indented as HTML is, and Python would refuse that.
        return "\n".join(line.lstrip() for line in templatize(source, origin=name).splitlines())
    if name.endswith("/models.py") or "/models/" in name:
        return "".join(_CHOICES.findall(source))
    return source


def extracted() -> Catalog:
    """Return a catalog without translations of all texts that customers see."""
    if not settings.configured:
        settings.configure(USE_I18N=True)
        django.setup()
    found = Catalog(charset="utf-8", fuzzy=False)
    for name in sources():
        for _line, text, comments, context in texts_of(name):
            found.add(text, locations=[(name, 0)], auto_comments=comments, context=context)
    return found


def texts_of(name: str) -> Iterator[Any]:
    """Give line, text, comments for translators and context of each text in a file."""
    return extract("python", io.BytesIO(python_of(name).encode()), KEYWORDS, comment_tags=["Translators:"])


def languages() -> list[str]:
    return sorted(PLURALS)


def path_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """Return the committed catalog; an empty one for a language that has none yet."""
    path = path_of(language)
    header = f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Plural-Forms: {PLURALS[language]}\\n"\n'
    text = path.read_bytes() if path.exists() else header.encode()
    return read_po(io.BytesIO(text), locale=language, charset="utf-8")


def update() -> int:
    """Bring each catalog in line with the texts in the code; translations of texts that are gone go too."""
    template = extracted()
    for language in languages():
        catalog = read(language)
        catalog.update(template)
        catalog.header_comment = f"# {catalog.locale_identifier}: customer pages, forms and mails."
        out = io.BytesIO()
        write_po(out, catalog, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        # Dates, names and addresses would change with each call and each person.
        path_of(language).write_bytes(_HEADER_OF_NOBODY.sub(b"", out.getvalue()))
        print(f"{path_of(language)}: {len(template)} texts, {len(list(untranslated(catalog)))} to translate")
    return 0


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple | list) else (message.string,)


def untranslated(catalog: Catalog) -> Iterator[Message]:
    """Give what has no translation, or one that nobody has checked since its text changed."""
    return (m for m in catalog if m.id and (m.fuzzy or not all(strings(m))))


def faults_of(message: Message, language: str) -> Iterator[str]:
    """Say what a translation lost or invented: placeholders, HTML, or white space at its ends."""
    originals = message.id if isinstance(message.id, tuple | list) else (message.id,)
    for number, text in enumerate(strings(message)):
        if not text:
            if any(strings(message)):
                yield f"plural form {number} is empty"
            continue
        original = originals[min(number, len(originals) - 1)] if language != "ar" else originals[-1]
        given, wanted = (Counter(_PLACEHOLDER.findall(t)) for t in (text, original))
        may_leave_out = len(originals) > 1 and number < FORMS_OF_ONE_NUMBER[language]
        lost = wanted - given
        if given - wanted or (lost and not (may_leave_out and sum(lost.values()) == 1)):
            yield f"placeholders differ: {sorted(given)} for {sorted(wanted)}"
        if Counter(_TAG.findall(text)) != Counter(_TAG.findall(original)):
            yield "HTML differs"
        if (text[:1].isspace(), text[-1:].isspace()) != (original[:1].isspace(), original[-1:].isspace()):
            yield "white space at the start or end differs"


def check(*, must_be_complete: bool) -> int:
    """Report what is wrong with the catalogs; with ``must_be_complete`` also what is not translated."""
    template, found = extracted(), []
    wanted = {(m.context, m.id) for m in template if m.id}
    for language in languages():
        path, catalog = path_of(language), read(language)
        has = {(m.context, m.id) for m in catalog if m.id}
        found += [f"{path}: make messages is due for {text!r}" for _context, text in wanted ^ has]
        if catalog.plural_forms != PLURALS[language]:
            found.append(f"{path}: Plural-Forms must be {PLURALS[language]}")
        for message, problems in catalog.check():
            if message.fuzzy:  # not used until somebody has looked at it
                continue
            found += [f"{path}: {message.id!r}: {problem}" for problem in problems]
        for message in catalog:
            if message.id and not message.fuzzy:
                found += [f"{path}: {message.id!r}: {fault}" for fault in faults_of(message, language)]
        if must_be_complete:
            found += [f"{path}: not translated: {message.id!r}" for message in untranslated(catalog)]
    print("\n".join(found) or f"{len(wanted)} texts in {len(languages())} languages: nothing to complain about")
    return 1 if found else 0


def compile_all() -> int:
    """Write the .mo file of each catalog that is newer than its last one."""
    for language in languages():
        source, target = path_of(language), path_of(language).with_suffix(".mo")
        if source.exists() and not (target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns):
            catalog, out = read(language), io.BytesIO()
            for message in list(untranslated(catalog)):  # or plural forms would be empty instead of English
                catalog.delete(message.id, message.context)
            write_mo(out, catalog)
            fresh = target.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(out.getvalue())
            fresh.replace(target)  # at once: another process may be reading it
    return 0


ACTIONS: dict[str, Callable[[], int]] = {
    "update": update,
    "check": lambda: check(must_be_complete="--complete" in sys.argv),
    "compile": compile_all,
}

if __name__ == "__main__":
    sys.exit(ACTIONS[sys.argv[1]]())
