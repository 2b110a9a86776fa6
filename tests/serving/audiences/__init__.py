"""Audiences as they are asked for."""
