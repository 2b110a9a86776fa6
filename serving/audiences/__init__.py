"""Audiences: rules over customers, saved under a name and shared."""
