"""The page of a mass order, from a pasted text to the page of what was placed."""

import csv
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from orders.mass import checking
from orders.mass.drafts import forget_expired, keep, kept_for
from orders.mass.reading import MOST_BYTES, MOST_CHARACTERS, read_lines
from orders.models import MassDraft, MassOrder, Order
from orders.pages.mass_order import MOST_FIELDS
from storefront.incoming import MOST_PARTS
from tests.pages.cast import customer
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db

PATH = "/orders/mass/"


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def kept(who: User) -> str:
    return kept_for(who, now=database_now()).text


@pytest.fixture
def text(services: list[Service]) -> str:
    """Three good lines and three bad ones: too few, a service that is not sold, a link of another platform."""
    followers, likes = services[0].pk, services[3].pk
    return "\n".join(
        [
            f"{followers} | https://instagram.com/atelier.nord | 1000",
            f"{followers} | https://instagram.com/verde.kitchen | 80",
            f"{likes} | https://instagram.com/p/C1a2B3c4D5e | 500",
            "999999 | https://instagram.com/paperbird | 100",
            f"{likes} | https://tiktok.com/@harborcoffee/video/7301234567890123456 | 100",
            f"{followers} | https://instagram.com/lumen.rooms | 200",
        ]
    )


def send(client: Client, **fields: Any) -> Any:
    return client.post(PATH, fields, follow=True)


def place(client: Client, **more: str) -> Any:
    """Press the button of the page as it stands."""
    page = client.get(PATH).context
    fields = {"lines": page["text"], "checked": page["digest"], "shown": page["found"].shown, "nonce": page["nonce"]}
    return client.post(PATH, {**fields, "place": "1", **more}, follow=True)


def test_a_text_is_checked_line_by_line(signed_in: Client, alice: User, text: str) -> None:
    answer = send(signed_in, lines=text, check="1")
    html = words(answer)
    assert answer.redirect_chain == [(f"{PATH}#found", 302)]
    assert "3 lines to correct" in html
    assert "3 orders ready" in html
    assert "Fewer than the service takes" in html
    assert "Use 100" in html
    assert "Service 999999 is not on sale." in html
    assert "Link of another platform" in html
    assert kept(alice) == text
    found = answer.context["found"]
    assert found.charge == sum(c.quote.charge for c in found.listed)
    assert not Order.objects.exists()


def test_the_good_lines_are_placed_and_followed(signed_in: Client, alice: User, text: str) -> None:
    send(signed_in, lines=text, check="1")
    answer = place(signed_in)
    mass = MassOrder.objects.get()
    assert answer.redirect_chain == [(f"/orders/mass/{mass.pk}/", 302)]
    html = words(answer)
    assert "3 orders placed" in html
    assert "3 lines were not placed and wait in the box." in html
    assert "0 of 3 sent to the supplier" in html
    assert kept(alice).splitlines() == [text.splitlines()[n] for n in (1, 3, 4)]
    seen = f"/orders/mass/{mass.pk}/?seen={answer.context['version']}"
    assert signed_in.get(seen).status_code == 204
    page = " ".join(re.sub(r"<[^>]+>", " ", words(signed_in.get(PATH)).partition("Earlier mass orders")[2]).split())
    assert page.startswith(f"{mass.pk} 3 orders {date_format(localtime(mass.created_at), 'j M Y, H:i')} $")
    table = signed_in.get(f"/orders/mass/{mass.pk}/orders.csv").getvalue().decode()
    rows = list(csv.reader(io.StringIO(table)))
    assert [row[:2] for row in rows[1:]] == [[str(n), str(o)] for n, o in zip((1, 3, 6), mass.numbers, strict=True)]


def test_the_same_form_again_places_nothing(signed_in: Client, text: str) -> None:
    send(signed_in, lines=text, check="1")
    page = signed_in.get(PATH).context
    fields = {"lines": text, "checked": page["digest"], "shown": page["found"].shown, "nonce": page["nonce"]}
    for _time in range(3):
        answer = send(signed_in, **fields, place="1")
    assert "has placed its orders before" in words(answer)
    assert (Order.objects.count(), MassOrder.objects.count()) == (3, 1)


def test_placing_in_one_tab_keeps_what_another_one_checked(
    signed_in: Client, alice: User, services: list[Service], text: str
) -> None:
    send(signed_in, lines=f"{text}\n\nstray", check="1")
    page = signed_in.get(PATH).context
    other = f"{services[0].pk} | https://instagram.com/other.tab | 1000"
    send(signed_in, lines=other, check="1")
    fields = {"lines": page["text"], "checked": page["digest"], "shown": page["found"].shown, "nonce": page["nonce"]}
    assert "4 lines were not placed and wait in the box." in words(send(signed_in, **fields, place="1"))
    assert kept(alice).splitlines() == [other, *(text.splitlines()[n] for n in (1, 3, 4)), "", "stray"]
    assert read_lines(kept(alice))[-1].text == "stray"
    place(signed_in)
    assert Order.objects.count() == 4


def test_a_stray_line_is_no_comment_after_a_correction(signed_in: Client, alice: User, services: list[Service]) -> None:
    lines = f"{services[0].pk} | https://instagram.com/name | 5"
    send(signed_in, lines=f"{lines}\n\nstray", fix="all-too_few")
    assert kept(alice) == f"{lines[:-1]}100\n\nstray"


def test_one_line_is_corrected_in_its_field(signed_in: Client, alice: User, text: str) -> None:
    lines = text.splitlines()
    send(signed_in, **{"lines": text, "check": "1", "was-2": lines[1], "line-2": lines[1].replace("80", "800")})
    assert kept(alice).splitlines()[1].endswith("| 800")
    assert kept(alice).splitlines()[2:] == lines[2:]


def test_an_offered_correction_is_one_press(signed_in: Client, alice: User, text: str) -> None:
    assert "2 lines to correct" in words(send(signed_in, lines=text, fix="2"))
    assert kept(alice).splitlines()[1].endswith("| 100")


def test_one_press_corrects_all_with_the_same_fault(signed_in: Client, alice: User, services: list[Service]) -> None:
    few = "\n".join(f"{services[0].pk} | https://instagram.com/name{n} | {n + 1}" for n in range(12))
    html = words(send(signed_in, lines=few, check="1"))
    assert "Use the minimum for all" in html
    assert "12 orders ready" in words(send(signed_in, lines=few, fix="all-too_few"))


def test_a_repeated_line_is_noted_and_taken_out(signed_in: Client, alice: User, text: str) -> None:
    first = text.splitlines()[0]
    html = words(send(signed_in, lines=f"{first}\n{first}\n{first}", check="1"))
    assert "2 of them are the same as an earlier line." in html
    send(signed_in, lines=f"{first}\n{first}\n{first}", fix="same")
    assert kept(alice) == first


def test_what_was_changed_after_the_check_is_checked_again_first(signed_in: Client, text: str) -> None:
    send(signed_in, lines=text, check="1")
    answer = place(signed_in, lines=text.replace("1000", "2000"))
    assert "Nothing was placed; check it again." in words(answer)
    assert not Order.objects.exists()


def test_a_balance_too_small_places_nothing_and_keeps_all(text: str) -> None:
    poor = customer("poor@example.com", "0.5")
    client = sign_in_customer(poor)
    html = words(send(client, lines=text, check="1"))
    assert "more for these orders. Your lines are kept." in html
    found = client.get(PATH).context["found"]
    assert f'href="/wallet/add/?missing={found.charge - Decimal("0.5"):f}"' in html
    assert 'name="place"' not in html
    answer = place(client)
    assert "your balance is too small for all of it" in words(answer)
    assert (Order.objects.count(), kept(poor)) == (0, text)


def test_a_price_that_rose_is_said_and_placed_only_at_the_new_one(signed_in: Client, alice: User, text: str) -> None:
    send(signed_in, lines=text.splitlines()[0] + "\n" + text.splitlines()[2], check="1")
    page = signed_in.get(PATH).context
    likes = int(text.splitlines()[2].split(" ")[0])
    Service.objects.filter(pk=likes).update(price=Decimal("0.2"))
    fields = {"lines": page["text"], "checked": page["digest"], "shown": page["found"].shown, "nonce": page["nonce"]}
    answer = send(signed_in, **fields, place="1")
    assert "1 line was not placed and waits in the box" in words(answer)
    assert "rose from" in words(signed_in.get(PATH))
    assert [order.service_id for order in Order.objects.all()] == [int(text.split(" ")[0])]
    place(signed_in)
    assert Order.objects.count() == 2


def test_a_table_is_added_to_the_box(signed_in: Client, alice: User, text: str) -> None:
    table = SimpleUploadedFile("orders.csv", b"service,link,quantity\n2,https://instagram.com/from.table,50\n")
    send(signed_in, lines=text, check="1", table=table)
    assert kept(alice) == f"{text}\n2 | https://instagram.com/from.table | 50"


def test_what_cannot_be_read_says_so_and_loses_nothing(signed_in: Client, alice: User, text: str) -> None:
    broken = SimpleUploadedFile("orders.csv", b"\xff\xfea")
    answer = signed_in.post(PATH, {"lines": text, "check": "1", "table": broken})
    assert "The file is no text." in words(answer)
    assert answer.context["text"] == text
    answer = signed_in.post(PATH, {"lines": "1|a|1\n" * 10_001, "check": "1"})
    assert "at most 10,000 are placed at a time" in words(answer)
    assert not MassDraft.objects.exists()


@pytest.mark.parametrize(
    "shown", ["", "[]", "{", '{"1": "NaN"}', '{"a": 1}', '{"1": [1]}', "7", json.dumps({10**30: "1"}), "[" * 9999]
)
def test_prices_that_no_page_showed_place_nothing(signed_in: Client, text: str, shown: str) -> None:
    send(signed_in, lines=text, check="1")
    place(signed_in, shown=shown)
    assert not Order.objects.exists()


def test_bad_lines_are_a_table_with_reasons(signed_in: Client, text: str) -> None:
    send(signed_in, lines=text, check="1")
    answer = signed_in.get("/orders/mass/left.csv")
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert [row[0] for row in rows] == ["Line", "2", "4", "5"]
    assert rows[2][2] == "Service 999999 is not on sale."


def test_the_box_is_emptied(signed_in: Client, alice: User, text: str) -> None:
    send(signed_in, lines=text, check="1")
    send(signed_in, lines=text, clear="1")
    assert kept(alice) == ""


def test_what_is_kept_ends_after_a_week(alice: User) -> None:
    keep(alice, "1 | a | 1", now=database_now())
    MassDraft.objects.update(expires_at=database_now())
    assert kept(alice) == ""
    assert forget_expired(now=database_now()) == 1


def test_a_mass_order_of_somebody_else_does_not_exist(signed_in: Client, text: str) -> None:
    send(signed_in, lines=text, check="1")
    place(signed_in)
    number = MassOrder.objects.get().pk
    bob = sign_in_customer(customer("bob@example.com"))
    for path in (f"/orders/mass/{number}/", f"/orders/mass/{number}/orders.csv"):
        assert bob.get(path).status_code == 404
    assert words(bob.get(PATH)).count("atelier.nord") == 0


def test_many_lines_are_shown_by_service(signed_in: Client, services: list[Service]) -> None:
    many = "\n".join(f"{services[3].pk} | https://instagram.com/p/C1a2B3c{n:04} | 10" for n in range(60))
    answer = send(signed_in, lines=many, check="1")
    assert (answer.context["found"].listed, answer.context["found"].shares[0].lines) == ([], 60)


@pytest.mark.parametrize("count", [2, 60])
def test_lines_for_one_link_say_so_however_many_there_are(
    signed_in: Client, services: list[Service], count: int
) -> None:
    lines = [f"{services[3].pk} | https://instagram.com/p/C1a2B3c{n:04} | 10" for n in range(count)]
    lines.append(f"{services[3].pk} | https://instagram.com/p/C1a2B3c0001 | 20")
    answer = send(signed_in, lines="\n".join(lines), check="1")
    assert words(answer).count(f"Line {count + 1} is for the same link as line 2.") == 1


def test_a_form_with_many_bad_lines_is_one_that_the_shop_takes(signed_in: Client, services: list[Service]) -> None:
    few = "\n".join(f"{services[0].pk} | https://instagram.com/name{n} | 5" for n in range(300))
    answer = send(signed_in, lines=few, check="1")
    form = answer.content.decode().partition('id="mass-form"')[2].partition("</form>")[0]
    parts = re.findall(r"<(?:input|textarea)[^>]* name=", form)
    assert MOST_FIELDS * 2 < len(parts) < MOST_PARTS
    assert "220 more lines, in the box and in the CSV." in words(answer)


def test_the_largest_text_and_file_fit_into_a_request() -> None:
    with_file = MOST_CHARACTERS + MOST_BYTES
    assert with_file < 2 * 1024 * 1024


def test_a_correction_that_makes_the_text_too_long_is_refused(
    signed_in: Client, alice: User, services: list[Service]
) -> None:
    text = f"{services[3].pk}|https://instagram.com/p/C1a2B3c4D5e|1\n\n"
    text += "x" * (MOST_CHARACTERS - len(text))
    answer = send(signed_in, lines=text, fix="all-too_few")
    assert "and at most 1,000,000 are taken at a time" in words(answer)
    assert kept(alice) == text
    assert signed_in.get(PATH).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_many_lines_are_checked_for_one_page_at_a_time(
    signed_in: Client, alice: User, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MANY", 2)
    send(signed_in, lines=text, check="1")
    seen, real = [], checking.check_lines

    def slow(*words: Any, **more: Any) -> Any:
        if not seen:
            # Another page meanwhile, on a connection of its own as in another process.
            with ThreadPoolExecutor(1) as pool:
                seen.append(pool.submit(lambda: (signed_in.get(PATH), connection.close())[0]).result())
        return real(*words, **more)

    monkeypatch.setattr(checking, "check_lines", slow)
    assert "3 orders ready" in words(signed_in.get(PATH))
    assert "Your lines are still being checked for another page." in words(seen[0])
    assert seen[0].context["text"] == text
    assert "3 orders ready" in words(signed_in.get(PATH))


def test_what_is_kept_and_too_long_is_shown_with_the_problem(signed_in: Client, alice: User) -> None:
    text = "1 | https://instagram.com/a | 5\n" + "x" * MOST_CHARACTERS
    keep(alice, text, now=database_now())
    answer = signed_in.get(PATH)
    assert "and at most 1,000,000 are taken at a time" in words(answer)
    assert answer.context["text"] == text
    assert signed_in.get(f"{PATH}left.csv")["Location"] == PATH


@pytest.mark.parametrize("shown", ["[[Infinity, 1]]", '{"1": "1e999999"}', '{"1": "-1"}', "[[NaN, 1]]", '{"1": "NaN"}'])
def test_what_no_page_shows_as_prices_was_not_shown(signed_in: Client, text: str, shown: str) -> None:
    send(signed_in, lines=text, check="1")
    assert "Nothing was placed: no line can be placed as it is." in words(place(signed_in, shown=shown))
    assert not Order.objects.exists()
