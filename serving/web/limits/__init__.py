"""What is looked at before a route sees a request, and how many may come."""
