"""What a randomised campaign changed, and how sure that is."""
