"""Changes of the phone number of a user, and their undo."""
