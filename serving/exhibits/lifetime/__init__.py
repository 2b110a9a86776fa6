"""The value of a lifetime year by year, a calculator for other terms, and profit in four parts."""
