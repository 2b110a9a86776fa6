"""Who will probably buy a product or a category: lists of the latest run."""
