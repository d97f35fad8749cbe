"""People: customers, staff, sign-in, API keys."""
