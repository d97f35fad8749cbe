"""Addresses as customers paste them: recognised in every spelling, and refused with a sentence that helps."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.links.reader import link_key, read_link, search_keys
from catalog.links.refusals import BadLink, OtherPlatform
from catalog.links.spelling import KEY_LENGTH
from catalog.shop.platforms import BY_SLUG, platforms_named

#: platform, kind, address as pasted, canonical address ("-" where there is none).
ROWS = [line.split("\t") for line in (Path(__file__).parent / "pasted.tsv").read_text().splitlines()[1:]]


def reading(pasted: str, platform: str) -> tuple[str, str, str]:
    try:
        link = read_link(pasted, platforms=[platform])
    except BadLink:
        return platform, "invalid", "-"
    return link.platform, link.kind, link.canonical or "-"


def test_each_pasted_address_is_what_the_table_says() -> None:
    assert len(ROWS) == 492
    wrong = [row for row in ROWS if reading(row[2], row[0]) != (row[0], row[1], row[3])]
    assert wrong == []


def test_all_spellings_of_one_address_have_one_key_and_different_addresses_have_different_ones() -> None:
    keys: dict[str, set[str]] = {}
    for platform, kind, pasted, canonical in ROWS:
        if kind not in ("invalid", "short link"):
            keys.setdefault(canonical, set()).add(link_key(pasted, [platform]))
    assert [canonical for canonical, found in keys.items() if len(found) != 1] == []
    # http and https are one page, and so is a site with its path's last slash.
    assert len({key for found in keys.values() for key in found}) >= len(keys) - 3


def test_an_address_needs_no_service_to_be_recognised() -> None:
    for platform, kind, pasted, _canonical in ROWS:
        if kind == "invalid":
            with pytest.raises(BadLink):
                read_link(pasted)
        elif not pasted.startswith("@"):
            assert read_link(pasted).key == read_link(pasted, platforms=[platform]).key


@pytest.mark.parametrize(
    ("pasted", "text"),
    [
        ("https://example.com/p/1\r\n", "https://example.com/p/1"),
        ("\u200fhttps://example.com/p/1", "https://example.com/p/1"),
        ("\ufeffhttps://example.com/p/1\u2069", "https://example.com/p/1"),
        ("https://exam\u200bple.com/p/1", "https://example.com/p/1"),
        ("\u00a0https://example.com/p/1\u2003", "https://example.com/p/1"),
        ('"https://example.com/p/1"', "https://example.com/p/1"),
        ("“https://example.com/p/1”", "https://example.com/p/1"),
        ("<https://example.com/p/1>", "https://example.com/p/1"),
        ("[(https://example.com/p/1)]", "https://example.com/p/1"),
        ("https://example.com/p/1)", "https://example.com/p/1"),
        ("https://example.org/wiki/A_(b)", "https://example.org/wiki/A_(b)"),
        ("https://example.com/p/1,", "https://example.com/p/1"),
        ("ｈｔｔｐｓ：／／example.com/p/1", "https://example.com/p/1"),
        ("https://fa.example.org/می\u200cخواهم", "https://fa.example.org/می\u200cخواهم"),
        ("HTTPS://WWW.Instagram.com/Blue.Kite/?igsh=x", "HTTPS://WWW.Instagram.com/Blue.Kite/?igsh=x"),
    ],
)
def test_what_is_sent_is_what_was_typed_without_the_marks_around_it(pasted: str, text: str) -> None:
    assert read_link(pasted).text == text


@pytest.mark.parametrize(
    ("pasted", "sentence", "suggestion"),
    [
        ("https://example.com/p/1\nhttps://example.com/p/2", "only one address", ""),
        ("https://example.com/p/1\thttps://example.com/p/2", "only one address", ""),
        ("https://example.com/p/1,https://example.com/p/2", "only one address", ""),
        ("https://example.com/p/1https://example.com/p/2", "only one address", ""),
        ("instagram.com/a.b instagram.com/c.d/", "only one address", ""),
        ("https://", "incomplete", ""),
        ("https:/example.com", "incomplete", ""),
        ("https://https://example.com/p/1", "No such site", "https://example.com/p/1"),
        ("see https://example.com/p/1", "no spaces", "https://example.com/p/1"),
        ("[post](https://example.com/p/1)", "not an address", "https://example.com/p/1"),
        ("river_fox", "not an address", "@river_fox"),
        ('"https://example.com/p/1', "no quotes", "https://example.com/p/1"),
        ('https://example.com/"><script>', "no quotes", "https://example.com/"),
        ("river fox", "no spaces", ""),
        ("@river fox", "no spaces", ""),
        ("@", "letters, digits", ""),
        ("@a_name_that_is_too_long", "This cannot be a name at X.", ""),
        ("https:\\\\example.com\\p", "backslash", ""),
        ("ftp://example.com/", "of this kind", ""),
        ("mailto:alice@example.com", "of this kind", ""),
        ("javascript:alert(1)", "of this kind", ""),
        ("alice@example.com", "not an address", ""),
        ("https://alice:secret@example.com/", "name or password", ""),
        ("http://192.168.1.1/", "not with numbers", ""),
        ("http://8.8.8.8/", "not with numbers", ""),
        ("http://2130706433/", "not with numbers", ""),
        ("http://[::1]/", "not with numbers", ""),
        ("http://printer.local/", "No such site", ""),
        ("https://example.com:99999/", "name of the site", ""),
        ("https://x.com.evil.example/river_fox", "only looks like X", ""),
        ("https://faceb00k.com/fox", "only looks like Facebook", ""),
        ("https://instagrarn.com/fox", "only looks like Instagram", ""),
        ("https://www.іnstagram.com/fox", "only looks like Instagram", ""),
        ("https://tik-tok.com/@fox", "only looks like TikTok", ""),
        ("https://x.com/search?q=fox", "this page of X", ""),
    ],
)
def test_what_cannot_be_delivered_to_is_refused_with_what_to_do(pasted: str, sentence: str, suggestion: str) -> None:
    with pytest.raises(BadLink) as refusal:
        read_link(pasted, platforms=["x"])
    assert sentence in str(refusal.value.message)
    assert refusal.value.suggestion == suggestion
    assert "secret" not in str(refusal.value.message)


@pytest.mark.parametrize("evil", ["(" * 300_000 + ")" * 300_000, "https://" * 300_000, "a." * 300_000, "x" * 1001])
def test_a_long_text_is_refused_before_it_is_read(evil: str) -> None:
    with pytest.raises(BadLink, match="too long"):
        read_link(evil)
    assert search_keys(evil) == []


@given(st.sampled_from([row[2] for row in ROWS]), st.text(max_size=12), st.integers(0, 60))
def test_whatever_is_typed_is_understood_once_and_for_all_or_refused(pasted: str, typed: str, at: int) -> None:
    text = pasted[:at] + typed + pasted[at:]
    assert 0 < len(link_key(text)) <= KEY_LENGTH
    with suppress(BadLink):
        link = read_link(text)
        assert read_link(link.text) == link
        assert link.canonical.isascii()


def test_an_address_of_another_platform_is_refused_where_the_service_has_one() -> None:
    with pytest.raises(OtherPlatform, match="address of TikTok, and the service is for Instagram"):
        read_link("https://www.tiktok.com/@river.fox9", platforms=["instagram"])
    with pytest.raises(OtherPlatform):
        read_link("https://vm.tiktok.com/ZMabc12De/", platforms=["instagram"])
    for platforms in ([], ["traffic"], ["google"], ["instagram", "tiktok"]):
        assert read_link("https://www.tiktok.com/@river.fox9", platforms=platforms).platform == "tiktok"
    assert read_link("https://example.com/p/1", platforms=["instagram"]).platform == "website"


def test_visits_can_be_sold_to_any_page() -> None:
    for address in ("https://www.instagram.com/", "https://www.youtube.com/results?search_query=fox"):
        assert read_link(address, platforms=["traffic"]).text == address


def test_a_service_may_be_for_several_platforms() -> None:
    assert platforms_named("instagram", "Threads followers", "Instagram · new")[:2] == ("instagram", "threads")
    assert platforms_named("other", "Something") == ()
    assert set(platforms_named("tiktok", "Likes")) <= set(BY_SLUG)


def test_a_long_address_has_a_key_of_its_own_that_begins_like_it() -> None:
    one, other = (link_key(f"https://example.com/{'a' * 400}{n}") for n in (1, 2))
    assert one != other
    assert len(one) == len(other) == KEY_LENGTH
    assert one.startswith("example.com/aaaa")


def test_every_stored_link_has_a_key() -> None:
    assert link_key("") == ""
    for stored in ("two words", "https://", "\u200b", "x" * 2000, "@who", "http://localhost/"):
        assert 0 < len(link_key(stored)) <= KEY_LENGTH


def test_a_name_is_searched_for_on_every_platform() -> None:
    keys = search_keys("@river_fox")
    assert {"x.com/river_fox", "t.me/river_fox", "twitch.tv/river_fox", "@river_fox"} <= set(keys)
    assert search_keys("refill") == []
    assert search_keys("instagram.com") == ["instagram.com"]
