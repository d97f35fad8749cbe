"""Alerts to the owner: one open row per cause, shown in the admin and mailed once."""
