"""Types of services: which fields an order needs, what one unit of the rate buys, where the quantity comes from.

Only Default and its fields are in the documented contract; the rest is what panels of this convention do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class QuantitySource(StrEnum):
    FIELD = "field"
    COMMENT_LINES = "comments"
    USERNAME_LINES = "usernames"
    ONE = "one"
    NONE = "none"


class PricedBy(StrEnum):
    THOUSAND = "per_1000"
    PACKAGE = "per_package"


@dataclass(frozen=True)
class ServiceType:
    """`required` and `optional` name the fields of `add` other than key, action and service.

    A type in `wire` order is known by `name`, `aliases` are other spellings of it. For subscriptions (`NONE`)
    the quantity is decided by each child order.
    """

    name: str
    label: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    quantity_from: QuantitySource = QuantitySource.FIELD
    priced_by: PricedBy = PricedBy.THOUSAND

    @property
    def fields(self) -> tuple[str, ...]:
        return self.required + self.optional

    @property
    def allows_dripfeed(self) -> bool:
        return "runs" in self.optional

    def quantity_of(self, fields: Mapping[str, str]) -> int | None:
        """Return how many units one order (one run of a drip-feed) asks for; None if the fields do not say."""
        match self.quantity_from:
            case QuantitySource.ONE:
                return 1
            case QuantitySource.COMMENT_LINES | QuantitySource.USERNAME_LINES:
                return len(lines_of(fields.get(self.quantity_from.value, ""))) or None
            case QuantitySource.FIELD:
                text = fields.get("quantity", "").strip()
                return int(text) if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) else None
            case _:
                return None


_LINES, _NAMES = QuantitySource.COMMENT_LINES, QuantitySource.USERNAME_LINES

SERVICE_TYPES: tuple[ServiceType, ...] = (
    ServiceType("default", "Default", ("link", "quantity"), ("runs", "interval")),
    ServiceType("package", "Package", ("link",), quantity_from=QuantitySource.ONE, priced_by=PricedBy.PACKAGE),
    ServiceType("custom_comments", "Custom Comments", ("link", "comments"), quantity_from=_LINES),
    ServiceType(
        "custom_comments_package",
        "Custom Comments Package",
        ("link", "comments"),
        quantity_from=QuantitySource.ONE,
        priced_by=PricedBy.PACKAGE,
    ),
    ServiceType("mentions", "Mentions", ("link", "quantity", "usernames")),
    ServiceType("mentions_with_hashtags", "Mentions with Hashtags", ("link", "quantity", "usernames", "hashtags")),
    ServiceType("mentions_custom_list", "Mentions Custom List", ("link", "usernames"), quantity_from=_NAMES),
    ServiceType("mentions_hashtag", "Mentions Hashtag", ("link", "quantity", "hashtag")),
    ServiceType("mentions_user_followers", "Mentions User Followers", ("link", "quantity", "username")),
    ServiceType("mentions_media_likers", "Mentions Media Likers", ("link", "quantity", "media")),
    ServiceType("comment_likes", "Comment Likes", ("link", "quantity", "username")),
    ServiceType("poll", "Poll", ("link", "quantity", "answer_number")),
    ServiceType(
        "comment_replies",
        "Comment Replies",
        ("link", "username", "comments"),
        aliases=("custom_replies",),
        quantity_from=_LINES,
    ),
    ServiceType("invites_from_groups", "Invites from Groups", ("link", "quantity", "groups")),
    ServiceType("seo", "SEO", ("link", "quantity", "keywords"), aliases=("keywords", "seo_keywords", "seo_/_keywords")),
    ServiceType(
        "subscriptions",
        "Subscriptions",
        ("username", "min", "max", "delay"),
        ("posts", "old_posts", "expiry"),
        quantity_from=QuantitySource.NONE,
    ),
    ServiceType(
        "web_traffic",
        "Web Traffic",
        ("link", "quantity", "country", "device", "type_of_traffic"),
        ("runs", "interval", "google_keyword", "referring_url"),
    ),
)

# Minutes a subscription may wait after a new post; older panels know only 0, 5, 10, 15, 30, 60 and 90.
SUBSCRIPTION_DELAYS = (0, 5, 10, 15, 20, 30, 40, 50, 60, 90) + tuple(range(120, 301, 30)) + tuple(range(360, 601, 60))

_BY_NAME = {name: kind for kind in SERVICE_TYPES for name in (kind.name, *kind.aliases)}
_SEPARATORS = re.compile(r"[\s_-]+")


@lru_cache(maxsize=1000)
def service_type(raw: str) -> ServiceType | None:
    """Return the type that a provider's word means, whatever its case and separators; None if unknown."""
    return _BY_NAME.get(_SEPARATORS.sub("_", raw.strip().lower()))


def lines_of(text: str) -> list[str]:
    """Return the non-empty lines of a list field, separated by LF or CRLF."""
    return [line.strip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
