"""A small world of its own on somebody's AWS, to prove there what delivery rests on: `exports canary`."""
