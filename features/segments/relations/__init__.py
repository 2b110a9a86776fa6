"""What customers say and are, and which relation suits them."""
