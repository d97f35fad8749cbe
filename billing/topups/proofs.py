"""Proofs of transfers: what a customer sends is stored so that nothing in it can run, and found again if sent twice."""

import hashlib
import io
import warnings
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from accounts.models import User
from billing.models import StoredFile
from billing.models.files import MOST_BYTES, FileKind
from core.refusals import Refusal

#: What Pillow may read; it knows many more, each with a parser of its own.
_FORMATS = ("PNG", "JPEG", "WEBP")
#: A picture of 5 MB can unfold to gigabytes.
MOST_PIXELS = 40_000_000
#: No receipt needs more dots than that.
_SIDE = 2400


class BadFile(Refusal):
    """The file is not stored."""

    code = "bad_file"


def store(upload: "UploadedFile[Any]", *, owner: User, now: datetime) -> StoredFile:
    """Store a picture, written anew, or a PDF; return the row, which is the first one if the file was sent before.

    Raises BadFile.
    """
    if not upload.size or upload.size > MOST_BYTES:
        raise BadFile(_("The file may have up to 5 MB."))
    raw = upload.read(MOST_BYTES + 1)
    digest = hashlib.sha256(raw).hexdigest()
    if known := StoredFile.objects.filter(digest=digest).first():
        return known
    kind, content = (FileKind.PDF, raw) if raw.startswith(b"%PDF-") else (FileKind.JPEG, _written_anew(raw))
    found, _is_new = StoredFile.objects.get_or_create(
        digest=digest, defaults={"kind": kind, "content": content, "owner": owner, "created_at": now}
    )
    return found


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
