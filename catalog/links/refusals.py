"""Why a link is refused."""

from typing import TYPE_CHECKING

from core.refusals import Refusal

if TYPE_CHECKING:
    from catalog.links.reader import Link


class BadLink(Refusal):
    """Nothing can be delivered to this; ``suggestion`` is the address that was probably meant, if there is one."""

    code = "bad_link"

    def __init__(self, message: str, suggestion: str = "") -> None:
        self.suggestion = suggestion
        super().__init__(message)


class OtherPlatform(BadLink):
    """The address is one of another platform than the service's, whose slug is ``wanted``."""

    code = "other_platform"

    def __init__(self, message: str, *, found: "Link", wanted: str) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(message)
