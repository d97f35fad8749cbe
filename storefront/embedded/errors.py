class EmbeddedError(Exception):
    """A server cannot be had or does not start; the text tells a person what is missing and what to do."""
