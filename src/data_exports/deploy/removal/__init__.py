"""What was deployed is taken away; data goes by a command of its own alone."""
