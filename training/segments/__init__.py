"""Segments that are learned from the customers; those by rule are in `features.segments`."""
