"""Part B of the battery: the shop as real processes, under fire. ``python -m tests.battery.chaos PART --json PATH``."""
