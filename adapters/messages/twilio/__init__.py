"""SMS and calls by Twilio."""
