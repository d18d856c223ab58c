"""What messages and calls cost: prices, message parts, and sums by day."""
