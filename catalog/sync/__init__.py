"""Reading a provider's list and bringing our rows in line with it."""
