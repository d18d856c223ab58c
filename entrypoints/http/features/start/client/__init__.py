"""The client module for web apps."""
