"""From cost to price: markup rules, customer groups, previews, price sheets."""
