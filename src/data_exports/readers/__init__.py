"""Who fetches files from outside AWS: a kind a module. A reader is a value that knows its own kind.

Nothing here knows a declaration file, a grant or a stack; those ask the reader what they need of it.
"""
