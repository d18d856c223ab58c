"""Passkeys of the staff: challenges, invitations and errors."""
