"""The HTTP part of extensions: controllers below `/x/<name>/`."""
