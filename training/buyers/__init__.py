"""Who will probably buy a product or a category."""
