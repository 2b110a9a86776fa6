"""Several shops behind one server: each with its own keys, limits and store, one pool of scorers."""
