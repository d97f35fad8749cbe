"""Asking providers about sent orders and writing what they answer: state, counts, money."""
