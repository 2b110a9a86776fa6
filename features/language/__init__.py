"""What people read, in every language: messages of the sources and the catalogues that translate them."""
