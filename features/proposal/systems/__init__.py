"""Systems whose exports are known: one file per layout, no code."""
