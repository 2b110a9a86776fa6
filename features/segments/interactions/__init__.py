"""What people do before they buy, by what the table of interactions tells of them."""
