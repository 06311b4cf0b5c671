"""What people declare: ``exports.yaml`` and the two folders of datasets, read into one frozen `Estate`.

The data's way through this folder: `reading` (bytes → text) → `parsing` (text → `nodes` with their places) →
`drafting` (nodes → `drafts`, by the table in `fields` and the kinds of value in `values`) → `rules` (drafts → findings)
→ `models`. `loading` walks it for a whole folder. `findings` says what is wrong, in the `codes` it has for it.
"""
