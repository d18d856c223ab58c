"""What the backend of the app keeps with a user."""
