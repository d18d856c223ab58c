"""Statistics: counted in memory, written every minute, and reported by hour and by day."""
