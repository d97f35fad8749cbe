"""The PDF of a document, by WeasyPrint where it is installed. It is made once and stored."""

import logging
import threading
from functools import cache
from typing import Any

from django.template.loader import render_to_string
from PIL import ImageFile

from billing.models import Document, DocumentPdf
from core.clock import database_now

log = logging.getLogger(__name__)

#: One at a time in a process: it takes the processor for a good part of a second.
_ONE = threading.BoundedSemaphore(1)


@cache
def _weasyprint() -> Any:
    """The library, None where it or the Pango library of the system is missing."""
    try:
        import weasyprint
    except (ImportError, OSError) as problem:
        log.info("no PDFs: %s", type(problem).__name__)
        return None
    # It lets Pillow take pictures that are cut off, in the whole process: proofs of customers as well.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    return weasyprint


def is_available() -> bool:
    """True where PDFs can be made: `pip install "permille[pdf]"`, and Pango."""
    return _weasyprint() is not None


def pdf_of(document: Document) -> bytes:
    """Return the PDF of a document, which is the same bytes from the first time on."""
    stored = DocumentPdf.objects.filter(document=document).first()
    if stored is None:
        context = {"title": document.number, "language": document.language, "body": document.html}
        content = made_of(render_to_string("billing/paper.html", context))
        DocumentPdf.objects.bulk_create(
            [DocumentPdf(document=document, content=content, made_at=database_now())], ignore_conflicts=True
        )
        stored = DocumentPdf.objects.get(document=document)
    return bytes(stored.content)


def made_of(html: str) -> bytes:
    """Return ``html`` as a PDF. Nothing that it names is fetched or read: no text reaches a file or a host."""
    weasyprint = _weasyprint()
    with _ONE:
        fetcher = weasyprint.urls.URLFetcher(allowed_protocols=("data",))
        content: bytes = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf()
    return content
