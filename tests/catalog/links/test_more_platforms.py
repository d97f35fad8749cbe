"""Addresses of the platforms whose table knows most forms and lets the others pass."""

import pytest

from catalog.links.reader import link_key, read_link
from catalog.links.refusals import BadLink

PIN = "https://www.pinterest.com/pin/1234567890123/"
REDDIT = "https://www.reddit.com/comments/1abcde/"
VK = "https://vk.com/wall-123_456"


@pytest.mark.parametrize(
    ("platform", "pasted", "kind", "canonical"),
    [
        ("pinterest", "https://www.pinterest.com/pin/1234567890123/", "pin", PIN),
        ("pinterest", "pinterest.de/pin/blue-kite--1234567890123/?utm_source=x", "pin", PIN),
        ("pinterest", "https://tr.pinterest.com/pin/1234567890123/sent/", "pin", PIN),
        ("pinterest", "https://www.pinterest.co.uk/Blue_Kite/_created/", "profile", "https://www.pinterest.com/blue_kite/"),
        ("pinterest", "@Blue_Kite", "profile", "https://www.pinterest.com/blue_kite/"),
        ("pinterest", "https://pinterest.com/blue_kite/my-boats", "board", "https://www.pinterest.com/blue_kite/my-boats/"),
        ("pinterest", "https://pin.it/4AbCdEf", "short link", ""),
        ("snapchat", "https://www.snapchat.com/add/Blue.Kite?share_id=x", "profile", "https://www.snapchat.com/add/blue.kite"),
        ("snapchat", "snapchat.com/@blue.kite", "profile", "https://www.snapchat.com/add/blue.kite"),
        ("snapchat", "https://www.snapchat.com/spotlight/W7_EDlXWTBiXAEEniNoMPwAAY", "video",
         "https://www.snapchat.com/spotlight/W7_EDlXWTBiXAEEniNoMPwAAY"),
        ("snapchat", "https://t.snapchat.com/AbCdEf", "short link", ""),
        ("whatsapp", "https://chat.whatsapp.com/invite/AbCdEfGhIjKlMnOpQrStUv", "invite",
         "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv"),
        ("whatsapp", "https://www.whatsapp.com/channel/0029VaAbCdEfGhIjKlMnOp1", "channel",
         "https://whatsapp.com/channel/0029VaAbCdEfGhIjKlMnOp1"),
        ("whatsapp", "https://whatsapp.com/channel/0029VaAbCdEfGhIjKlMnOp1/105", "post",
         "https://whatsapp.com/channel/0029VaAbCdEfGhIjKlMnOp1/105"),
        ("whatsapp", "https://api.whatsapp.com/send?phone=4917012345678&text=hi", "number", "https://wa.me/4917012345678"),
        ("whatsapp", "wa.me/4917012345678?text=hi", "number", "https://wa.me/4917012345678"),
        ("reddit", "https://www.reddit.com/r/boats/comments/1abcde/a_blue_kite/?utm_medium=x", "post", REDDIT),
        ("reddit", "https://old.reddit.com/user/blue_kite/comments/1abcde/", "post", REDDIT),
        ("reddit", "https://redd.it/1abcde", "post", REDDIT),
        ("reddit", "https://www.reddit.com/gallery/1abcde", "post", REDDIT),
        ("reddit", "https://www.reddit.com/r/boats/comments/1abcde/a_blue_kite/k2x9zz/", "comment",
         "https://www.reddit.com/comments/1abcde/comment/k2x9zz/"),
        ("reddit", "https://www.reddit.com/r/boats/comments/1abcde/comment/k2x9zz/", "comment",
         "https://www.reddit.com/comments/1abcde/comment/k2x9zz/"),
        ("reddit", "https://reddit.com/r/Boats/top/?t=week", "community", "https://www.reddit.com/r/boats/"),
        ("reddit", "https://www.reddit.com/u/Blue_Kite", "profile", "https://www.reddit.com/user/blue_kite/"),
        ("reddit", "https://www.reddit.com/r/boats/s/AbCdEf1234", "short link", ""),
        ("vk", "https://vk.com/wall-123_456", "post", VK),
        ("vk", "https://m.vk.ru/wall-123_456?from=feed", "post", VK),
        ("vk", "https://vk.com/blue_kite?w=wall-123_456%2Fall", "post", VK),
        ("vk", "https://vk.com/wall-123_456?reply=789", "comment", "https://vk.com/wall-123_456?reply=789"),
        ("vk", "https://vk.com/public123", "group", "https://vk.com/club123"),
        ("vk", "https://vk.com/id42", "profile", "https://vk.com/id42"),
        ("vk", "@Blue_Kite", "profile", "https://vk.com/blue_kite"),
        ("vk", "https://vkvideo.ru/video-123_456", "video", "https://vk.com/video-123_456"),
        ("vk", "https://vk.com/feed?z=video-123_456%2Fabc", "video", "https://vk.com/video-123_456"),
        ("vk", "https://vk.com/clip-123_456", "clip", "https://vk.com/clip-123_456"),
        ("kick", "https://kick.com/Blue_Kite/videos", "channel", "https://kick.com/blue_kite"),
        ("kick", "@blue_kite", "channel", "https://kick.com/blue_kite"),
        ("kick", "https://kick.com/blue_kite?clip=clip_01HABC", "clip", "https://kick.com/blue_kite/clips/clip_01HABC"),
        ("kick", "https://kick.com/video/0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f", "video",
         "https://kick.com/video/0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"),
        ("apple-music", "https://music.apple.com/us/album/blue-kite/1440000001?i=1440000002", "track",
         "https://music.apple.com/song/1440000002"),
        ("apple-music", "https://music.apple.com/de/song/blue-kite/1440000002", "track",
         "https://music.apple.com/song/1440000002"),
        ("apple-music", "https://itunes.apple.com/us/album/blue-kite/id1440000001", "album",
         "https://music.apple.com/album/1440000001"),
        ("apple-music", "https://music.apple.com/us/playlist/hits/pl.f4d106fed2bd41149aaacabb233eb5eb", "playlist",
         "https://music.apple.com/playlist/pl.f4d106fed2bd41149aaacabb233eb5eb"),
        ("apple-music", "https://music.apple.com/us/artist/blue-kite/159260351", "artist",
         "https://music.apple.com/artist/159260351"),
    ],
)  # fmt: skip
def test_an_address_is_recognised_in_its_spellings(platform: str, pasted: str, kind: str, canonical: str) -> None:
    link = read_link(pasted, platforms=[platform])
    assert (link.platform, link.kind, link.canonical) == (platform, kind, canonical)
    if canonical:
        assert read_link(canonical, platforms=[platform]).key == link.key == link_key(pasted, [platform])


@pytest.mark.parametrize(
    "pasted",
    [
        "https://www.pinterest.com/ideas/boats/948192800438/",
        "https://www.snapchat.com/discover/Blue_Kite/123",
        "https://vk.com/music/playlist/-123_456",
        "https://www.reddit.com/live/abcdef",
        "https://kick.com/category/boats",
    ],
)
def test_an_address_of_no_known_form_passes_as_it_is(pasted: str) -> None:
    link = read_link(pasted)
    assert (link.text, link.kind) == (pasted, "website")
    assert link.key == pasted.removeprefix("https://").removeprefix("www.").rstrip("/")


@pytest.mark.parametrize("front", ["https://www.pinterest.com/", "vk.com", "https://kick.com", "https://wa.me/"])
def test_a_front_page_is_refused(front: str) -> None:
    with pytest.raises(BadLink, match="Nothing can be delivered to this page"):
        read_link(front)
