"""Numbers in Arabic as in every language of the shop: Latin digits, a point before the fraction."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
