"""Changes of the phone of an identity, and their undo."""
