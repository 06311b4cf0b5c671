"""A transparency log over receipts and deployments: its tree, its files, its signatures. Standard library alone.

The notary's function and whoever verifies share it; what it is for, and what it proves: docs/evidence.md.
"""
