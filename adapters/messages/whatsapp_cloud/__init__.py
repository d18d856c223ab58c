"""Codes for signing in by WhatsApp: Meta's Cloud API.

https://developers.facebook.com/documentation/business-messaging/whatsapp
"""
