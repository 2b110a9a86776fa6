"""The two-stage recommender: sources name candidates, trees rank them, rules have the last word."""
