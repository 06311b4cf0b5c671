"""The probe: whether the handover works, tried on the real thing, and if not, which side lacks what.

`push` has the dataset's mover try a delivery with its own role; `pull` reads back what is deployed for outsiders, and
tries with the caller's own rights if the caller is one of them; `policies` compares policies; `findings` holds what was
found.
"""
