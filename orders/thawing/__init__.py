"""After a restore: what the providers received since the dump, and what may be sent again."""
