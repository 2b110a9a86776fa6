"""What customers say: promoters and detractors, service times, and four indices of the shop."""
