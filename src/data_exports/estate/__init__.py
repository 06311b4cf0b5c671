"""What people declare: ``exports.yaml`` and the two folders of datasets, read into one frozen `Estate`.

The data's way through this folder: `declaration_file` (bytes → text) → `yaml_tree` (text → nodes with their places) →
`drafts` (nodes → drafts, by the table in `fields`, whose types are in `field_types` and `identifier_types`) → `rules`
(drafts → findings) → `models`. `loader` walks it for a whole folder, `revision` for a git revision. `findings` says
what is wrong, in the `codes` it has for it. `formatter` and `new_declaration` go the way back, to the text of a file.
"""
