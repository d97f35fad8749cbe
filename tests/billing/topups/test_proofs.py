"""Proofs of transfers: pictures written anew, nothing that runs, for staff alone."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from billing.models import StoredFile, TopUp, TransferNotice
from billing.models.files import FileKind
from billing.topups import proofs, reviewing
from core.clock import database_now
from core.refusals import Refusal
from storefront.incoming import MOST_WITH_FILE, Refused, receive
from tests.billing.cast import customer
from tests.billing.topups.cast import method, started
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    return started(alice, method("manual", name="Bank transfer"), "10")


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40), **how: Any) -> bytes:
    out = io.BytesIO()
    Image.new(how.pop("mode", "RGB"), size, how.pop("color", "white")).save(out, kind, **how)
    return out.getvalue()


def upload(content: bytes, name: str = "proof.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def stored(content: bytes, owner: User) -> StoredFile:
    now = database_now()
    return proofs.store(proofs.read(upload(content), owner=owner, now=now), owner=owner, now=now)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_written_anew_without_what_was_hidden_in_it(alice: User, kind: str) -> None:
    hidden = b"<script>alert(1)</script>"
    found = stored(picture(kind) + hidden, alice)
    assert found.kind == "image/jpeg"
    assert hidden not in bytes(found.content)
    assert Image.open(io.BytesIO(bytes(found.content))).format == "JPEG"


def test_where_a_picture_was_taken_is_forgotten(alice: User) -> None:
    exif = Image.Exif()
    exif[0x010E] = "at home"
    found = stored(picture("JPEG", exif=exif), alice)
    assert not Image.open(io.BytesIO(bytes(found.content))).getexif()


def test_what_shines_through_is_on_white(alice: User) -> None:
    found = stored(picture(mode="RGBA", color=(0, 0, 0, 0)), alice)
    assert Image.open(io.BytesIO(bytes(found.content))).convert("RGB").getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        b"GIF89a" + b"\0" * 40,
        b"MZ" + b"\0" * 200,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        picture()[:60],
        b"\xff\xd8\xff\xe0" + b"\0" * 50,
        b"%!PS-Adobe-3.0",
        b"x" * (5 * 1024 * 1024 + 1),
    ],
)
def test_anything_else_is_refused(alice: User, content: bytes) -> None:
    with pytest.raises(Refusal):
        stored(content, alice)
    assert StoredFile.objects.count() == 0


def test_a_picture_of_too_many_dots_is_refused_before_it_unfolds(alice: User) -> None:
    with pytest.raises(Refusal):
        stored(picture(size=(20_000, 20_000), mode="1", color=0), alice)


def test_a_file_that_was_sent_before_is_found_again(topup: TopUp, alice: User) -> None:
    bob = customer("bob@example.com", has="0")
    theirs = started(bob, topup.method, "10")
    content = picture()
    for who, what in ((alice, topup), (bob, theirs)):
        page = sign_in_customer(who)
        page.post(f"/wallet/topups/{what.pk}/sent/", {"sender": "x", "proof": upload(content)})
    assert StoredFile.objects.count() == 1
    assert TransferNotice.objects.get(topup=theirs).other_topups == [topup.number]


def test_staff_see_a_picture_in_which_nothing_runs(topup: TopUp, alice: User) -> None:
    page: Client = sign_in_customer(alice)
    page.post(f"/wallet/topups/{topup.pk}/sent/", {"sender": "Alice", "proof": upload(picture())})
    notice = topup.notices.get()
    path = reverse("admin:billing_topup_proof", args=[topup.pk, notice.pk])
    boss = sign_in_staff(User.objects.create_superuser("boss@example.com"))
    assert path in boss.get(reverse("admin:billing_topup_change", args=[topup.pk])).content.decode()
    answer = boss.get(path)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    assert page.get(path).status_code == 302
    weak = sign_in_staff(User.objects.create_user("weak@example.com", is_staff=True))
    assert weak.get(path).status_code == 403


def test_a_pdf_is_downloaded_and_never_shown(topup: TopUp, alice: User) -> None:
    page: Client = sign_in_customer(alice)
    page.post(f"/wallet/topups/{topup.pk}/sent/", {"sender": "Alice", "proof": upload(b"%PDF-1.7 x", "a.pdf")})
    boss = sign_in_staff(User.objects.create_superuser("boss@example.com"))
    answer = boss.get(reverse("admin:billing_topup_proof", args=[topup.pk, topup.notices.get().pk]))
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_file_that_is_refused_leaves_no_notice(topup: TopUp, alice: User) -> None:
    page: Client = sign_in_customer(alice)
    sent = {"sender": "Alice", "proof": upload(b"<svg/>")}
    answer = page.post(f"/wallet/topups/{topup.pk}/sent/", sent, follow=True)
    assert "Send a picture" in answer.content.decode()
    assert topup.notices.count() == 0


def test_files_of_notices_that_are_refused_are_not_stored(topup: TopUp, alice: User) -> None:
    page: Client = sign_in_customer(alice)
    for n in range(reviewing.MOST_NOTICES + 3):
        sent = {"sender": "Alice", "proof": upload(b"%%PDF-1.7 %d" % n, "a.pdf")}
        answer = page.post(f"/wallet/topups/{topup.pk}/sent/", sent, follow=True)
    assert "You sent this 5 times already" in answer.content.decode()
    assert topup.notices.count() == StoredFile.objects.count() == reviewing.MOST_NOTICES


def test_a_refusal_under_the_lock_takes_the_file_back(
    topup: TopUp, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*given: Any, **also: Any) -> proofs.Proof:
        """Another tab sends the last notice while the picture is read."""
        for _n in range(reviewing.MOST_NOTICES):
            topup.notices.create(sender="x", at=database_now())
        return proofs.Proof("0" * 64, FileKind.PDF, b"%PDF-")

    monkeypatch.setattr(proofs, "read", read)
    with pytest.raises(reviewing.CannotReview):
        reviewing.give_notice(topup=topup, sender="x", upload=upload(b"%PDF-"), now=database_now())
    assert StoredFile.objects.count() == 0


def test_one_customer_stores_so_many_files_a_day(alice: User, topup: TopUp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "MOST_A_DAY", 2)
    for n in range(2):
        stored(b"%%PDF-1.7 %d" % n, alice)
    with pytest.raises(proofs.BadFile, match="2 files in the last 24 hours"):
        stored(b"%PDF-1.7 more", alice)
    # One that was read before the other was stored is counted, too, and a file that is there stays usable.
    with pytest.raises(proofs.BadFile):
        proofs.store(proofs.Proof("0" * 64, FileKind.PDF, b"%PDF-"), owner=alice, now=database_now())
    stored(b"%PDF-1.7 1", alice)
    StoredFile.objects.update(created_at=database_now() - timedelta(days=1, minutes=1))
    stored(b"%PDF-1.7 more", alice)
    assert StoredFile.objects.count() == 3


def test_pictures_are_read_one_by_one(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "_PATIENCE", 0.01)
    with proofs._ONE, pytest.raises(proofs.BadFile, match="again in a minute"):
        stored(picture(), alice)
    assert stored(picture(), alice)


@pytest.mark.parametrize(
    ("path", "is_taken"), [("/wallet/topups/7/sent/", True), ("/wallet/", False), ("/order/", False)]
)
def test_only_the_page_for_files_takes_five_megabytes(path: str, is_taken: bool) -> None:
    body = b"--x\r\n" + b"a" * (5 * 1024 * 1024) + b"\r\n--x--"
    environ: dict[str, Any] = {
        "CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), "PATH_INFO": path,
    }  # fmt: skip
    if not is_taken:
        with pytest.raises(Refused, match="413"):
            receive(environ)
        return
    receive(environ)
    assert environ["CONTENT_LENGTH"] == str(len(body))
    environ |= {"wsgi.input": io.BytesIO(b"--x" + b"a" * MOST_WITH_FILE), "CONTENT_LENGTH": str(MOST_WITH_FILE + 3)}
    with pytest.raises(Refused, match="413"):
        receive(environ)
