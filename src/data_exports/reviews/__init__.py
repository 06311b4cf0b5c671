"""Access reviews on record: who looked at every access, what they decided, and what follows from it.

The way of a review: `rows` (Estate → a `Review` with a row for each access) → `review_text` (its file, written and
edited) → `review_file` (read again, or findings with line and column) → `standing` (what is decided, what has changed)
→ `consequences` (the changes in declarations that follow) → `branch` (those as a commit). `checking` is what
`exports check` says of reviews; `digests` tells what exactly was looked at.
"""
