"""What customers are worth: whether, how often and for how much they order, as one description."""
