"""Rules: temporary orders of operators about numbers, networks, countries and limits."""
