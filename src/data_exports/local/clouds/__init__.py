"""Entra, Google's token services, Azure Blob Storage, Google Cloud Storage, on a laptop: what the mover uses of them.

One process beside the local AWS, with a port of 127.0.0.1 for each service (`clouds.server`), started by who needs it
(`clouds.running`). What is not here is answered with 501 and a clear word; what is here, as the vendor's page says.
"""
