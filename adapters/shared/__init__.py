"""What adapters of several rooms share."""
