"""The owner's own pages of the admin: what the shop earns, what needs a decision, reports and alerts."""
