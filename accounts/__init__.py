"""Who: customers, staff, sign-in, API keys."""
