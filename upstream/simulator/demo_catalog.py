"""The price list of the demo: believable services on several platforms, every service type at least once.

One line a service: id, name, type, rate, min, max, flags (r refill, c cancel, d drip-feed), description.
"""

from __future__ import annotations

from typing import Any

from upstream.simulator.catalog import Catalog

Line = tuple[int, str, str, str, int, int, str, str]

D = "Default"
SHELVES: list[tuple[str, list[Line]]] = [
    (
        "Instagram · Followers",
        [
            (1101, "Instagram Followers · 30-day refill", D, "1.43", 100, 50_000, "rcd", "Starts in minutes, about 5,000 a day. What drops within 30 days is refilled."),
            (1102, "Instagram Followers · no refill", D, "0.57", 50, 100_000, "cd", "The quick and cheap kind. Some will drop and stay away."),
            (1103, "Instagram Followers · older profiles, slow and steady, 365-day refill", D, "3.46", 100, 20_000, "r", "Profiles of two years and more, up to 1,000 a day."),
            (1104, "Instagram Followers · profiles from Brazil", D, "2.10", 20, 30_000, "rc", "Mostly Brazilian profiles with pictures.<br>Starts within an hour."),
            (1105, "Instagram Followers · posts to come, by subscription", "Subscriptions", "0.95", 20, 5_000, "", "Give a user name: each new post receives its likes by itself."),
        ],
    ),
    (
        "Instagram · Likes",
        [
            (1201, "Instagram Likes · instant start", D, "0.073", 10, 300_000, "cd", "Starts at once."),
            (1202, "Instagram Likes with impressions and reach · 30-day refill", D, "0.14", 20, 100_000, "rd", "Likes that also count as impressions."),
            (1203, "Instagram Likes · profiles from Brazil", D, "0.48", 50, 20_000, "c", ""),
            (1204, "Instagram Comment Likes", "Comment Likes", "0.89", 20, 10_000, "", "The user name is that of the comment's owner."),
        ],
    ),
    (
        "Instagram · Comments and mentions",
        [
            (1301, "Instagram Comments · your own words", "Custom Comments", "8.00", 5, 1_500, "c", "One comment a line."),
            (1302, "Instagram Comments · ten of your own, one package", "Custom Comments Package", "0.75", 1, 1, "", "Ten lines, one fixed price."),
            (1303, "Instagram Mentions · followers of an account", "Mentions User Followers", "2.20", 500, 100_000, "", "Mentions the followers of the user name you give."),
            (1304, "Instagram Mentions · your list", "Mentions Custom List", "2.60", 100, 20_000, "", "One user name a line."),
            (1305, "Instagram Mentions · likers of a post", "Mentions Media Likers", "2.40", 500, 50_000, "", "Give the address of the post whose likers are to be mentioned."),
            (1306, "Instagram Mentions · people of a hashtag", "Mentions Hashtag", "2.40", 500, 50_000, "", "Without the # sign."),
            (1307, "Instagram Mentions with hashtags", "Mentions with Hashtags", "3.10", 100, 20_000, "", ""),
            (1308, "Instagram Mentions", "Mentions", "2.00", 100, 20_000, "c", ""),
        ],
    ),
    (
        "Instagram · Views and stories",
        [
            (1401, "Instagram Reel Views · instant start", D, "0.0042", 100, 10_000_000, "d", "The lowest price on this list: a thousand cost less than a cent."),
            (1402, "Instagram Story Views · all stories", D, "0.035", 20, 50_000, "", ""),
            (1403, "Instagram Story Poll Votes", "Poll", "1.30", 10, 20_000, "", "The answer number counts from the top: 1, 2, ..."),
        ],
    ),
    (
        "TikTok · Followers",
        [
            (2101, "TikTok Followers · 30-day refill", D, "1.85", 100, 30_000, "rc", "About 2,000 a day."),
            (2102, "TikTok Followers · older profiles, 365-day refill", D, "3.46", 100, 20_000, "rc", ""),
            (2103, "TikTok Followers · no refill", D, "0.98", 10, 100_000, "c", ""),
        ],
    ),
    (
        "TikTok · Likes, views and shares",
        [
            (2201, "TikTok Likes · 30-day refill", D, "0.21", 10, 100_000, "rd", ""),
            (2202, "TikTok Views · instant start", D, "0.006", 100, 100_000_000, "d", ""),
            (2203, "TikTok Shares", D, "0.055", 50, 1_000_000, "c", ""),
            (2204, "TikTok Live Viewers · 30 minutes", D, "3.90", 10, 5_000, "", "Order when the broadcast is running."),
            (2205, "TikTok Comments · your own words", "Custom Comments", "5.50", 5, 1_000, "c", ""),
            (2206, "TikTok Comment Replies", "Comment Replies", "6.20", 5, 500, "", "The user name is that of the comment to be answered."),
        ],
    ),
    (
        "YouTube · Views",
        [
            (3101, "YouTube Views · watched 2 to 4 min, 60-day refill", D, "0.86", 500, 1_000_000, "rd", "Ordinary viewers, retention of two to four minutes."),
            (3102, "YouTube Views from search · lifetime refill", D, "1.58", 1_000, 200_000, "r", ""),
            (3103, "YouTube Shorts Views", D, "0.11", 500, 10_000_000, "d", ""),
            (3104, "YouTube Live Viewers · 60 minutes", D, "5.40", 50, 20_000, "c", ""),
        ],
    ),
    (
        "YouTube · Subscribers, likes and comments",
        [
            (3201, "YouTube Subscribers · 30-day refill", D, "12.40", 50, 10_000, "rc", "Slow on purpose: 100 to 300 a day."),
            (3202, "YouTube Subscribers · lifetime refill", D, "31.00", 20, 3_000, "r", ""),
            (3203, "YouTube Likes · 30-day refill", D, "0.62", 20, 100_000, "rcd", ""),
            (3204, "YouTube Comments · your own words", "Custom Comments", "14.00", 5, 1_000, "", ""),
            (3205, "YouTube Watch Time · 1,000 hours, video of 60 min and more", "Package", "24.50", 1, 1, "r", "One order is one thousand hours."),
            (3206, "YouTube Search Ranking by keywords", "SEO", "60.00", 10, 500, "", "One keyword a line."),
        ],
    ),
    (
        "Telegram · Members",
        [
            (4101, "Telegram Channel Members · 60-day refill", D, "1.02", 100, 150_000, "rc", "Channels and groups, public only."),
            (4102, "Telegram Channel Members · no refill", D, "0.39", 10, 200_000, "c", ""),
            (4103, "Telegram Group Invites from your groups", "Invites from Groups", "4.80", 50, 5_000, "", "One group address a line."),
        ],
    ),
    (
        "Telegram · Posts",
        [
            (4201, "Telegram Post Views · one post", D, "0.0048", 50, 1_000_000, "d", ""),
            (4202, "Telegram Post Views · last 5 posts", D, "0.0125", 50, 500_000, "d", ""),
            (4203, "Telegram Reactions · mixed, positive", D, "0.047", 10, 100_000, "c", ""),
            (4204, "Telegram Poll Votes", "Poll", "0.58", 10, 50_000, "", ""),
        ],
    ),
    (
        "Facebook · Pages and posts",
        [
            (5101, "Facebook Page Followers · 30-day refill", D, "0.74", 100, 500_000, "rc", ""),
            (5102, "Facebook Page Likes and Followers · 30-day refill", D, "0.93", 100, 100_000, "rc", ""),
            (5103, "Facebook Post Likes", D, "0.27", 20, 50_000, "cd", ""),
            (5104, "Facebook Group Members", D, "1.20", 500, 50_000, "", "Public groups only."),
        ],
    ),
    (
        "Facebook · Video",
        [
            (5201, "Facebook Video Views · 3 seconds", D, "0.029", 500, 10_000_000, "d", ""),
            (5202, "Facebook Live Viewers · 60 minutes", D, "4.20", 20, 3_000, "c", ""),
        ],
    ),
    (
        "X · Followers and posts",
        [
            (6101, "X Followers · 30-day refill", D, "4.90", 50, 20_000, "rc", ""),
            (6102, "X Post Likes", D, "1.75", 20, 10_000, "c", ""),
            (6103, "X Reposts", D, "2.30", 20, 10_000, "c", ""),
            (6104, "X Post Views", D, "0.009", 100, 10_000_000, "d", ""),
        ],
    ),
    (
        "Spotify · Plays and followers",
        [
            (7101, "Spotify Plays · tracks, worldwide", D, "0.42", 1_000, 1_000_000, "d", "About 2,000 a day."),
            (7102, "Spotify Playlist Followers · lifetime refill", D, "0.81", 100, 100_000, "r", ""),
            (7103, "Spotify Monthly Listeners", D, "1.95", 500, 200_000, "", ""),
        ],
    ),
    (
        "Website traffic",
        [
            (8101, "Website Visitors by country, device and source", "Web Traffic", "0.35", 500, 1_000_000, "d", "Source 1 is a search keyword, 2 a referring page, 3 direct."),
            (8102, "Website Visitors · worldwide, direct", D, "0.12", 500, 1_000_000, "cd", ""),
        ],
    ),
    (
        "App and podcast packages",
        [
            (9101, "Podcast Launch Week · one package", "Package", "38.00", 1, 1, "c", "Plays and followers over seven days."),
            (9102, "Profile Check-up · one package", "Package", "5.00", 1, 1, "", "A written report on one profile."),
        ],
    ),
]  # fmt: skip


def demo_rows() -> list[dict[str, Any]]:
    """The rows as ``services`` shows them: ids as numbers, rate, min and max as texts, flags as booleans."""
    return [_row(category, line) for category, lines in SHELVES for line in lines]


def _row(category: str, line: Line) -> dict[str, Any]:
    number, name, kind, rate, low, high, flags, text = line
    return {
        "service": number,
        "name": name,
        "type": kind,
        "category": category,
        "rate": rate,
        "min": str(low),
        "max": str(high),
        "desc": text,
        "refill": "r" in flags,
        "cancel": "c" in flags,
        "dripfeed": "d" in flags,
    }


def demo_catalog() -> Catalog:
    return Catalog.from_rows(demo_rows())
