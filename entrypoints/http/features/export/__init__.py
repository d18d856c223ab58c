"""The export of a person over HTTP."""
