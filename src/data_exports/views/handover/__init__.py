"""A handover in the forms it comes in: a letter, Terraform, CloudFormation, JSON."""
