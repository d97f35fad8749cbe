class DemoProblem(Exception):
    """The demo cannot go on; the text says what is the matter and what to do."""


class Stopped(Exception):
    """Somebody asked the demo to stop while it was waiting for something."""
