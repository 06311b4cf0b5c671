"""The mover: the Lambda function that delivers one push dataset's uploads to its recipient.

`handler` ties it together: `events` reads what SQS hands over, `rules` decides about each upload, `batch` carries many
at once, `places` asks the hub, the recipient, the journal and the queue, over `wire`; `tasks` is what it does beside
that. It imports nothing but the standard library and `contract`.
"""
