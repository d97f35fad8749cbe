"""`make demo`: the whole shop with a simulated provider, as the real processes it is made of."""
