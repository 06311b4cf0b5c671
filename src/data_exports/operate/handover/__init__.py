"""The handover: what the other side must put in place.

`halves` gathers the facts from the declarations and `views.handover` writes them. Needs no AWS: the other side may go
first.
"""
