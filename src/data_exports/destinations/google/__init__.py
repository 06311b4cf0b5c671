"""A recipient's bucket of Google Cloud Storage."""
