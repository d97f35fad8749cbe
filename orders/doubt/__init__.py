"""Finding out, without a person where that can be done, what became of an order whose answer was lost."""
