"""Statistics: security events counted in memory, written every minute, and reported by hour."""
