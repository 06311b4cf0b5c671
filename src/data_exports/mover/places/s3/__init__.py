"""S3: how its buckets are asked, its answers read, and S3 as a kind of destination. Hub and journal are on S3 too."""
