"""What a plan says of the SFTP server: its price, and what a new one means. Data."""

SFTP_PRICE = (
    "a server of AWS Transfer Family for SFTP takes $0.30 an hour, used or not, which is $219 a month, and $0.04 for"
    " each GB that is read or written"
)
"""List price in N. Virginia, of September 2026; other regions differ. A month has 730 hours.
https://aws.amazon.com/aws-transfer-family/pricing/"""
NEW_SFTP_SERVER = (
    "WARNING: the server is made anew: it gets another host name and another host key, which every reader by SFTP must"
    " be told"
)
NO_SFTP_READERS = (
    "no dataset has a reader by SFTP any more; a server that is made again has another host name and another host key"
)
