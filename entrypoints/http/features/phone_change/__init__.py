"""Changes of the phone number of a user."""
