"""How long tests wait for what comes at once on a machine that is not busy. No test passes later for a longer wait."""

PATIENCE_SECONDS = 240.0
"""So long that only what hangs outlasts it, and shorter than the limit of a test (pyproject.toml), so that the wait is
named and not the whole run ended."""
