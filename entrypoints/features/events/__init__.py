"""Events of users for the backend of the app."""
