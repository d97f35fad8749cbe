"""Who: customers, staff, sign-in."""
