"""What operators see and name, as several APIs show it."""
