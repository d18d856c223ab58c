"""One-time codes: the state of one phone, its challenges, deliveries, attempts and rate limits."""
