"""Mails to customers about what became of their orders and top-ups."""
