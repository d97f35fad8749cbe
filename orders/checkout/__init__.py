"""A customer's order, checked, priced and placed with its money held."""
