"""The option of commands for codes by WhatsApp."""
