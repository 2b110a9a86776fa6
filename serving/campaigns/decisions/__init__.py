"""Campaigns of several treatments: rounds in which shares move towards what works."""
