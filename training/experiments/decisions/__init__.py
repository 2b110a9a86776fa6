"""Decisions that learn: several treatments, shares that follow what works, intervals that hold."""
