"""Persons, their cards, households and companies: what they are worth together, and who pays."""
