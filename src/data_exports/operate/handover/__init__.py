"""The handover: what the other side must put in place, in the form that its owner can use.

`halves` gathers the facts from the declarations; `letter`, `terraform` and `cloudformation` write them for people, for
Terraform and for CloudFormation; `facts` gives them to programs. Needs no AWS: the other side may go first.
"""
