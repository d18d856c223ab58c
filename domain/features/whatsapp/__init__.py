"""Codes by WhatsApp: which were sent, and which numbers it does not reach."""
