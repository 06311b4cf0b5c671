"""What AWS asks for what this product has it do: US dollars, each with its unit, its source and the day of its list.

List prices of N. Virginia, in which S3's requests, SQS and Lambda cost the same as in Ireland; other regions ask up to
about twice that. In: nothing. Out: figures. No effects. `plan` and `canary` tell them, and docs/benchmarks.md is
computed with them.
"""

S3_WRITE_USD = 0.005 / 1_000
"""A PUT, COPY, POST or LIST; DELETE costs nothing. 28 November 2026. https://aws.amazon.com/s3/pricing/"""

S3_READ_USD = 0.0004 / 1_000
"""A GET, HEAD or any other request. 28 November 2026. https://aws.amazon.com/s3/pricing/"""

SQS_REQUEST_USD = 0.40 / 1_000_000
"""28 November 2026. https://aws.amazon.com/sqs/pricing/"""

LAMBDA_REQUEST_USD = 0.20 / 1_000_000
"""28 November 2026. https://aws.amazon.com/lambda/pricing/"""

LAMBDA_GB_SECOND_USD = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
"""28 November 2026. https://aws.amazon.com/lambda/pricing/"""

LOGS_GB_USD = 0.50
"""A GB that CloudWatch Logs takes in. 30 November 2026. https://aws.amazon.com/cloudwatch/pricing/"""

EGRESS_GB_USD, EGRESS_FREE_GB, EGRESS_TIER_TB = 0.09, 100, 10
"""A GB that leaves AWS for the internet, as deliveries to another cloud do; how many cost nothing, in a month and a
whole account; up to how many TB in a month that is the price. 30 November 2026.
https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer"""

GB_BYTES = 2**30
"""What is billed as a GB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/aws-usage-report-understand.html"""

TERABYTE_GB = 1024
EGRESS_TERABYTE_USD = EGRESS_GB_USD * TERABYTE_GB
"""A terabyte beyond those that cost nothing."""
