"""What the function does beside deliveries: the sweep for events that never came, and the probe."""
