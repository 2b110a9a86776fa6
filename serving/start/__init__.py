"""The first steps of a shop, in a browser: its orders, what they mean, its settings."""
