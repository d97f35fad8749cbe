"""Rights that several parts of the admin ask for."""

#: Who may see what the shop earns: profit, margins and costs.
SEES_MONEY = "orders.view_moneyday"
