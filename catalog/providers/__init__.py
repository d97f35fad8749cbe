"""Our account at each provider: connection, balance, health, parking."""
