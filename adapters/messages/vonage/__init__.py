"""SMS by Vonage's Messages API."""
