class DemoProblem(Exception):
    """The demo cannot go on; the message says why, and what to do about it."""


class StopRequested(Exception):
    """A signal asked the demo to stop."""
