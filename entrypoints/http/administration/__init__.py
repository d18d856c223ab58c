"""Schemas of several APIs for what operators see and name."""
