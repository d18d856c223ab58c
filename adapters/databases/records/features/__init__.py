"""The records of optional features, a module for each."""
