"""Who may be contacted, and who is left out of what leaves the shop."""
