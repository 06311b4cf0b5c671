"""What the notary's function and its stack agree on: what it is asked, and what it measures. No effects."""

NOTARISE = "notarise"
"""The task that an event asks for: `{"task": "notarise"}`."""
BEHIND = "EvidenceBehindSeconds"
"""The metric: since when the oldest file that is not logged has been there."""
BY_LOG = "Log"
"""Its dimension: the evidence bucket."""
