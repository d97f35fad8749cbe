"""Reports of a period: what they count (one module each), and how a table of them is shown and sent as a file."""
