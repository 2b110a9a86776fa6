"""Work that pages ask for: rows of the store, worked by one process of its own."""
