"""One function for each route: from the request to a handler, and back."""
