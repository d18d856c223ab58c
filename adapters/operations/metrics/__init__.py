"""Metrics for Prometheus. Only workers import the library: the parent names its folder first."""
