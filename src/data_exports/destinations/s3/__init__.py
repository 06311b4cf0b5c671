"""A recipient's S3 bucket, in another account or in our own."""
