"""All limits that requests acquire: in the limit store, and in the memory of a process.

The rules and the numbers are in `domain.otp.rate_limits`. Limits of a feature are in its package
of the application. docs/limits.md lists all limits.
"""
