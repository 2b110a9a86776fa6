"""Scores from 0 to 100: how customers are spread over them, and whether their weights are good."""
