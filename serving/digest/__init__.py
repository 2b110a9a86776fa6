"""The weekly message: what to do, by e-mail."""
