"""Stacks and what AWS has → a plan, shown or carried out.

`deployed` and `remote` say what AWS has; `plan` compares; `adoption` looks at what exists without a stack; `prepare`
puts these together; `apply` carries out; `drift` looks whether it has stayed so; `removal` takes away. Each imports
only those before it.
"""
