"""Why a link is refused."""

from core.refusals import Refusal


class BadLink(Refusal):
    """Nothing can be delivered to this; ``suggestion`` is the address that was probably meant, if there is one."""

    code = "bad_link"

    def __init__(self, message: str, suggestion: str = "") -> None:
        self.suggestion = suggestion
        super().__init__(message)


class OtherPlatform(BadLink):
    """The address is one of another platform than the service's."""

    code = "other_platform"
