"""What the API's page and its OpenAPI file say: one description of each action, read by both."""
