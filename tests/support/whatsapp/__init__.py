"""Codes by WhatsApp in tests."""
