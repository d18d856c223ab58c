"""How the service is started: from settings, over HTTP, from the command line."""
