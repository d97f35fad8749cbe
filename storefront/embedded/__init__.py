"""A Postgres and a Redis of our own for the demo and the tests: private folders, unix sockets, no TCP port."""
