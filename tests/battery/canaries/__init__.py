"""Seeded bugs. Each is put into the running code from outside, and its named test must turn red for the right reason.

`registry` lists them, `seeds_*` hold the bugs, `plugin` puts one into a pytest process, `__main__` runs them.
"""
