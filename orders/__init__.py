"""Orders: placed, forwarded, followed, settled; refills and cancellations."""
