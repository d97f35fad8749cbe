"""The core of top-ups: it starts them, looks at them, and alone decides what is credited. Gateways never do."""
