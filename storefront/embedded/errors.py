class EmbeddedError(Exception):
    """A server is missing or does not start; the message says why, and what to do about it."""
