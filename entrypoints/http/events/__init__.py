"""Events of users."""
