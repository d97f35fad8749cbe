"""Many orders from one text: read, checked, priced and placed together."""
