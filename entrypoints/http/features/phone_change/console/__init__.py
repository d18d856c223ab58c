"""Changes of the number in the console."""
