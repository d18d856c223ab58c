"""What the service sends to other services: events, and questions before a login."""
