"""All limits that requests acquire: in the limit store, and in the memory of a process.

The rules and the numbers are in `domain.otp.rate_limits`. Limits of a feature are in its package:
those of calls in `application.voice.call_limiter`, those of uploads in `application.media.limits`.
docs/limits.md lists all limits.
"""
