"""The web console: sign in, authenticate each request, and sign out."""
