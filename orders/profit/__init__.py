"""What the shop earned, and what that cost: counted from transfers and orders, hour by hour and day by day."""
