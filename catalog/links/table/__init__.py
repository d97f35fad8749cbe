"""The table of addresses, one value for each platform.

No kept library knows them. The canonical forms are the platforms' usual ones; none of them promises its own.
"""
