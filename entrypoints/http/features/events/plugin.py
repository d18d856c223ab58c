"""What the details of a user say about events."""
