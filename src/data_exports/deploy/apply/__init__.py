"""A plan carried out through CloudFormation, and what became of it."""
