"""Everything about one customer on one page, and what staff do there."""
