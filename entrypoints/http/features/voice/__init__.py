"""Requests of a telephony provider about calls and messages."""
