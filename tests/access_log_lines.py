"""Lines of S3's access logs, in the form of AWS's own examples.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

READER = "arn:aws:sts::754256621582:assumed-role/irsa-reader/loader-7"
LATER = (
    ' 17 "-" "{agent}" {version} s9lzHYrFp76ZVxRcpX9+5cjA= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader {host} TLSV1.2'
)


def line(
    operation: str = "REST.GET.OBJECT",
    key: str = "a.csv",
    *,
    requester: str = READER,
    time: str = "31/Mar/2031:09:00:01 +0000",
    uri: str = '"GET /a.csv HTTP/1.1"',
    status: str = "200",
    error: str = "-",
    sent: str = "5",
    size: str = "5",
    agent: str = "aws-cli/2.31",
    version: str = "-",
    request: str = "3E57427F3EXAMPLE",
) -> str:
    rest = LATER.format(agent=agent, version=version, host="mojap-court-lists.s3.eu-west-1.amazonaws.com")
    return (
        f"79a59df900b949e55d96 mojap-court-lists [{time}] 192.0.2.3 {requester} {request} {operation} {key} {uri}"
        f" {status} {error} {sent} {size} 12{rest} - - eu-west-1"
    )
