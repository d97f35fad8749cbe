"""Sending each order to its provider, at most once, and recording the answer."""
