"""Changes of the phone of an identity."""
