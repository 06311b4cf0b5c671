"""The ``exports`` command: one short file per command; it wires the other folders, and none of them imports it."""
