"""Randomised experiments read from a table of their members, and the readings that are kept."""
