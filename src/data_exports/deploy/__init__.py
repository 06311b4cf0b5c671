"""Stacks and what AWS has → a plan, shown or carried out.

`plan` compares, `prepare` looks at AWS, `consents` says what needs somebody's word, `apply` carries out (`deploy`),
`waiting` hands over what was uploaded too early, `destroy` takes away, `render` shows; `changes` works on one stack,
`adoption` looks at buckets that exist, `remote` asks, `failures` finds AWS's reason.
"""
