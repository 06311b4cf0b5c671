"""What drifted, put back as it was deployed.

`planning` makes of what `drift` found the steps that put it back, as data; `repairing` takes them, looks again, and
says what is left.
"""
