"""Health checks and the key set (JWKS)."""
