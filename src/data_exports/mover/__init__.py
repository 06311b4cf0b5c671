"""The mover: the Lambda function that delivers one push dataset's uploads to its recipient.

`events` reads what SQS hands over, `delivery` holds the rules for one upload, `batch` carries many of them at once,
`objects` (with `transport`, `signing`, `connections` and `replies`) asks S3, `receipts` tells what became of each
upload, `handler` ties them together. The modules `large…` do the same for files that are copied in parts. It imports
nothing but the standard library.
"""
