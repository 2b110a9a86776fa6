"""The money of a file: which columns hold it, which sums come out, and what they say."""
