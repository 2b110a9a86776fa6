"""What a cell says: numbers and moments, each read by one definition in SQL and in Python."""
