"""Exhibits of what is sold."""
