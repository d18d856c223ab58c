"""Settings: read once from the environment and `.env` into one checked value."""
