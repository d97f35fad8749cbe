"""Proofs of transfers: what a customer sends is stored so that nothing in it can run, and found again if sent twice."""

import hashlib
import io
import threading
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from accounts.models import User
from billing.models import Account, StoredFile
from billing.models.files import MOST_BYTES, FileKind
from core.refusals import Refusal

#: What Pillow may read; it knows many more, each with a parser of its own.
_FORMATS = ("PNG", "JPEG", "WEBP")
#: A picture of 5 MB can unfold to gigabytes.
MOST_PIXELS = 40_000_000
#: No receipt needs more dots than that.
_SIDE = 2400
#: Files that one customer stores in 24 hours: each may have 5 MB, and is kept with the books.
MOST_A_DAY = 20
#: One picture at a time in a process, since each may unfold to 160 MB; and how long one waits for its turn, in seconds.
_ONE, _PATIENCE = threading.BoundedSemaphore(1), 15


class BadFile(Refusal):
    """The file is not stored."""

    code = "bad_file"


@dataclass(frozen=True)
class Proof:
    """What a customer sent, as it is going to be stored; ``content`` is None if the file is stored already."""

    digest: str
    kind: FileKind
    content: bytes | None


def read(upload: "UploadedFile[Any]", *, owner: User, now: datetime) -> Proof:
    """Return a picture, written anew, or a PDF; nothing is stored, and no lock should be held: it takes a while.

    Raises BadFile, also where ``owner`` may store no more today.
    """
    if not upload.size or upload.size > MOST_BYTES:
        raise BadFile(_("The file may have up to 5 MB."))
    raw = upload.read(MOST_BYTES + 1)
    digest = hashlib.sha256(raw).hexdigest()
    kind = FileKind.PDF if raw.startswith(b"%PDF-") else FileKind.JPEG
    if StoredFile.objects.filter(digest=digest).exists():
        return Proof(digest, kind, None)
    _demand_room(owner, now=now)
    return Proof(digest, kind, raw if kind is FileKind.PDF else _in_turn(raw))


def store(proof: Proof, *, owner: User, now: datetime) -> StoredFile:
    """Store a file that was read, and return the row, which is the first one if the file was sent before.

    Call it in the transaction that needs the row: it locks the wallet of ``owner``, so that files at once are counted
    one by one. Raises BadFile if ``owner`` may store no more today.
    """
    if known := StoredFile.objects.filter(digest=proof.digest).first():
        return known
    if proof.content is None:
        raise BadFile(_("The file is gone. Send it again."))
    list(Account.objects.select_for_update().filter(customer=owner).values_list("pk"))
    _demand_room(owner, now=now)
    found, _is_new = StoredFile.objects.get_or_create(
        digest=proof.digest, defaults={"kind": proof.kind, "content": proof.content, "owner": owner, "created_at": now}
    )
    return found


def _demand_room(owner: User, *, now: datetime) -> None:
    if StoredFile.objects.filter(owner=owner, created_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
        words = _("You sent %(most)d files in the last 24 hours. Send this one tomorrow, or write the name alone.")
        raise BadFile(words % {"most": MOST_A_DAY})


def _in_turn(raw: bytes) -> bytes:
    if not _ONE.acquire(timeout=_PATIENCE):
        raise BadFile(_("Many pictures are being read just now. Send it again in a minute."))
    try:
        return _written_anew(raw)
    finally:
        _ONE.release()


def _written_anew(raw: bytes) -> bytes:
    """Return the picture as a JPEG made of its dots alone: no metadata, no second format hidden in it."""
    refused = BadFile(_("Send a picture (JPG, PNG or WebP) or a PDF."))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture: Image.Image = Image.open(io.BytesIO(raw), formats=_FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise BadFile(_("The picture is too large. Send a smaller one."))
            picture.load()
            picture = ImageOps.exif_transpose(picture)
            picture.thumbnail((_SIDE, _SIDE))
            if picture.mode in ("RGBA", "LA", "P", "PA"):
                paper = Image.new("RGB", picture.size, "white")
                paper.paste(picture.convert("RGBA"), mask=picture.convert("RGBA").getchannel("A"))
                picture = paper
            out = io.BytesIO()
            picture.convert("RGB").save(out, "JPEG", quality=85)
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise refused from problem
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, OverflowError) as problem:
        # Pillow's readers raise these for pictures that are cut off or made to confuse them.
        raise refused from problem
    return out.getvalue()
