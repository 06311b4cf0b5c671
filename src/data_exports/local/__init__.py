"""AWS on a laptop: an emulator process of our own, its known differences from AWS mended, and a world around it.

`emulator` starts and stops it, `clients` talks to it, `server` is what runs in it, `gaps` mends it, `world` fills it
with everything that exists before a deployment. For development, tests and the demo only.
"""
