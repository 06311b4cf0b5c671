"""Who may do what: an `Estate` becomes `Grant` values, and from these every policy document is made.

`grants` is the single answer; `statements` turns grants into IAM statements; `policies` makes each document that is
deployed; `handover` each document that the other side puts in place; `sizes` finds what would outgrow IAM's limits.
"""
