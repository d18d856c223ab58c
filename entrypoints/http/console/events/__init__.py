"""Pages about events in the web console."""
