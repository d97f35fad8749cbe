"""The evidence file of a payment, for the answer to a dispute."""
