"""Codes by WhatsApp."""
