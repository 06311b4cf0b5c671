"""What S3 answers, as it words it."""

XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
COPY_RESULT = (
    f"{PROLOG}<CopyObjectResult {XMLNS}><LastModified>2026-11-02T10:00:00.000Z</LastModified>"
    "<ETag>&quot;e9&quot;</ETag></CopyObjectResult>"
)


def version(key: str, number: str, *, latest: bool) -> str:
    return (
        f"<Version><Key>{key}</Key><VersionId>{number}</VersionId><IsLatest>{str(latest).lower()}</IsLatest>"
        f"<LastModified>2026-11-02T09:00:00.000Z</LastModified><ETag>&quot;e-{number}&quot;</ETag><Size>5</Size></Version>"
    )


def marker(key: str, *, latest: bool) -> str:
    on_top = str(latest).lower()
    return f"<DeleteMarker><Key>{key}</Key><VersionId>m</VersionId><IsLatest>{on_top}</IsLatest></DeleteMarker>"
