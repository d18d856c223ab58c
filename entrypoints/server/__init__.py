"""The HTTP server: granian, its worker processes, its bind address and the banner."""
