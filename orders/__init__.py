"""The deed: placed, dispatched, followed, settled; refills."""
