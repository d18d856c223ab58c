"""Commands of statistics and costs."""
