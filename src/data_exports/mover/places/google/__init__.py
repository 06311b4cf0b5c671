"""Google Cloud Storage as a kind of destination: how it is written to, what its answers mean."""
