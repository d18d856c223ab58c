"""Events to the backend of the app, by HTTP."""
