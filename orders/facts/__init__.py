"""Counts what became of the orders for each service, by the day on which they were placed."""
