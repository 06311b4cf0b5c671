"""How long things take and wait: the function, its messages, what is left unfinished.

In: nothing. Out: numbers, and how long a failed message stays away. No effects.

Three kinds of failure are waited for differently, all with jitter, so that what failed together does not come back
together:

passing    S3 is unwell, throttles or does not answer. Soon, then less and less often: 15 s, 1 min, 4 min, 16 min, 64
           min, 3 h, 3 h. With the 8 receives of the queue an outage of 3 h is always outlived, one of 7 h often.
permanent  Somebody has to act: grant access, make the bucket, mend the key. No quick tries: 15 min, 30 min, 1 h, 2 h, 3
           h, 3 h, 3 h. Whoever acts within 6 h needs no redrive.
hopeless   No time and no act cures the message itself. It goes to the dead-letter queue at once.
"""

import random

from data_exports.contract.causes import Cause

FUNCTION_TIMEOUT_SECONDS = 900
BATCH_SIZE = 1000
"""How many messages one invocation receives at most."""
MOST_RECEIVES = 8
"""What fails at its last receive is given up: SQS makes a dead letter of it."""
LONGEST_WAIT_SECONDS = 3 * 3600
"""Of a failed message. SQS would allow 12 h; more than this, and a recovery goes unnoticed for too long."""
LATEST_START_SECONDS = 59 * 60
"""How long Lambda may hold messages before an invocation begins: an assumption, as AWS names no limit."""
VISIBILITY_TIMEOUT_SECONDS = 6 * FUNCTION_TIMEOUT_SECONDS
"""When a message comes back whose function died; the mover itself sets other times for what fails.
Six times the function's timeout, as AWS advises: Lambda may hold what it received while the function is throttled.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig
An invocation that began up to 59 minutes late is over by then, and so are the 16 minutes for which S3 may still carry
out a copy that it asked for."""
UNDER_WAY_SECONDS = 16 * 60
"""How long a request may still be carried out whose answer never came. S3 accepts a signed request for 15 minutes:
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
and a copy of the size that is made in one request takes less than one more."""
CARRIED_OUT_SECONDS = 60
"""How long a store may take for a request that it accepted at the last moment."""
SWEEP_PATIENCE_SECONDS = 15 * 60
"""How long an upload waits before the sweep looks into it."""
ABANDONED_UPLOAD_DAYS = 7
"""After which a rule of the bucket, ours and the recipient's, aborts an upload in parts that nobody finished.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html"""

SHORTEST_RECEIPTS_DAYS = 30
"""A platform keeps receipts for no fewer: cards beside them are renewed at half of it."""


def visibility_timeout_seconds(under_way_seconds: int) -> int:
    """When a message comes back whose function died, where a request may be late by so much.

    Not before an invocation that began at the latest is over, and so is all that it asked for.
    """
    return max(VISIBILITY_TIMEOUT_SECONDS, LATEST_START_SECONDS + FUNCTION_TIMEOUT_SECONDS + under_way_seconds)


def wait_seconds(
    cause: Cause, receive_count: int, *, longest_seconds: float = LONGEST_WAIT_SECONDS, rng: random.Random
) -> int:
    """Seconds that a message stays away which failed at its n-th receive: between half and the whole of its step."""
    if cause.is_hopeless:
        return 0
    step = step_seconds(receive_count, is_permanent=cause.is_permanent, longest_seconds=longest_seconds)
    return round(step * rng.uniform(0.5, 1))


def step_seconds(receive_count: int, *, is_permanent: bool, longest_seconds: float = LONGEST_WAIT_SECONDS) -> float:
    """The longest that a message stays away which failed at its n-th receive; the shortest is half of it."""
    first, factor = (900.0, 2.0) if is_permanent else (15.0, 4.0)
    return min(first * factor ** min(max(receive_count, 1) - 1, 20), longest_seconds)
