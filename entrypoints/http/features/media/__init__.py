"""The library of pictures, its files and their moderation."""
