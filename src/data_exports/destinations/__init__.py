"""Where files go: one folder for each kind of recipient. A destination is a value that knows its own kind.

Nothing here knows a declaration file, a grant or a stack; those ask the destination what they need of it.
"""
