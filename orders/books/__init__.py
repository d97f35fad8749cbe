"""Our account at each provider, as we reckon it: entries, charges, readings, and the differences between the two."""
