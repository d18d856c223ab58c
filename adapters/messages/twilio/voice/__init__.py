"""Calls and recordings by Twilio, its requests about them, and TwiML."""
