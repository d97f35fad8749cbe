"""Tickets: customers open them through the API, and the owner answers by mail."""
