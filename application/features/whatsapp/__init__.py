"""Send codes by WhatsApp, and fall back to the next channel."""
