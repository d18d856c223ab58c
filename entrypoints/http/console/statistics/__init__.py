"""Pages about statistics and costs."""
