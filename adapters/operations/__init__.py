"""Observation of a running service: log, metrics, traces, its machine."""
