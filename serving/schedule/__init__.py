"""A shop's regular run: what a scheduler starts, and nobody has to watch."""
