"""What the function's metrics are called, by which alarms look for them. No effects.

All are by `Dataset`; failures also by `Cause`.
"""

NAMESPACE = "DataExports"
BY_DATASET = "Dataset"
BY_CAUSE = "Cause"
REFUSED = "Refused"
"""Failures that only somebody's act cures."""
