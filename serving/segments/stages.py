"""The stages of a customer's life with the shop."""

STAGES = ("exploration", "growth", "stable", "decline", "lost", "reactivated")
"""In the order of life."""
