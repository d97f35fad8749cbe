"""The pages on which a customer orders and follows orders."""
