"""Bundles of evidence: made from the log for one dataset, verified offline. docs/evidence.md says what is in one."""
