"""Receipts and credit notes: numbered and written in the transaction that moves the money, and never made anew."""
