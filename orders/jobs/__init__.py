"""What is asked about many objects at once, such as a refill of a hundred orders, done one by one by the sweep."""
