"""The web console: pages for administrators."""
