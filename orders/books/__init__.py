"""Our account at each provider as our books have it: entries, charges, readings, and how they differ."""
