"""What the shop costs, beside the bare floor that does the same work in the same run: machines differ, ratios last."""
