"""The few things every room shares: money, refusals, the clock, secrets. Imports no other room."""
