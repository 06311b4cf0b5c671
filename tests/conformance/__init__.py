"""What S3 answers, as scenarios, and S3s that are held to it: `make conformance`."""
