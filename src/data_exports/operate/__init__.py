"""Answers about what was deployed and delivered: did it arrive, who did what, what failed."""
