"""Features from tables beside the orders; those of contracts among them."""
