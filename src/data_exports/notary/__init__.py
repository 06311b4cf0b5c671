"""The function that logs receipts and deployments where nobody can change them unseen, and alone signs the log."""
