"""Measure the shop against a bare floor that does the same work in the same run: machines differ, ratios last."""
