"""The database of the store: opening it, its schema, runs published whole, lists and counts."""
