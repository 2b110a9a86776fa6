"""Campaigns: whom to contact for a budget, whom to leave alone, and what it earned."""
