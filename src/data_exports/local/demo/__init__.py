"""The demo: the example estate deployed and used for real on a local AWS, every expectation checked as it goes.

`stage` holds what the scenes act on; `scenes`, `operating`, `outside`, `elsewhere`, `mending`, `promising` and
`reviewing` tell the story; `commands` runs `exports` itself in it, `show` plays all of it.
"""
