"""What the API says of itself: schemas and examples of clients, of answers and of errors, in terms of OpenAPI 3.1."""
