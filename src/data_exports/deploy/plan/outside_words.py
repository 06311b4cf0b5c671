"""What a plan says of deliveries to other clouds: their price, and what becomes of files that wait. Data."""

EGRESS_PRICE = (
    "AWS bills what leaves it for the internet, which deliveries to another cloud do: $0.09 for each GB up to 10 TB a"
    " month, after 100 GB a month of the whole account that cost nothing; a terabyte is about $92"
)
"""List price in N. Virginia and in Ireland, of November 2026; other regions differ.
https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer"""
WAITING_FILES = (
    "what waits in the hub, or has failed, goes to the new destination from then on, and what has arrived at the old"
    " one stays there"
)
