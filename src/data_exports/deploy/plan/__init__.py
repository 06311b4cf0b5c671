"""What deploying would do, as data, and what a reviewer must not overlook in it."""
