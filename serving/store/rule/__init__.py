"""Rules that say which customers belong to an audience, and how a run answers them."""
