"""The pages: templates and their style."""
