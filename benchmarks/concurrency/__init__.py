"""How many requests one instance of a function should work on at a time."""
