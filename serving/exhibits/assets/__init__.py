"""Customers kept like assets: what they are worth, and how that changed."""
