"""Money: accounts, transfers, holds. Knows no order: a reference like "order:1042" is opaque here."""
