"""A refusal: the deed was not done, and the person who asked can be told why."""

from django.utils.functional import Promise


class Refusal(Exception):
    """Base of every expected "no". Anything else that is raised is a bug and surfaces as one.

    ``code`` is for machines and stays stable; ``message`` is a sentence fit for the person who asked.
    """

    code = "refused"

    def __init__(self, message: str | Promise) -> None:
        super().__init__(message)
        self.message = message
