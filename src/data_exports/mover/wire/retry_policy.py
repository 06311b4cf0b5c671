"""How often and how long a call is tried again that fails for a moment.

In: how often and for how long it was tried, and what came of it. Out: a pause, or none. No effects.
"""

import random
from dataclasses import dataclass

LONGEST_PAUSE_SECONDS = 20  # between two tries of one call


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A call is made so many times at most, and not again after so many seconds.

    `seconds_kept`: what has to be left of the function's time for what follows the call, whatever S3 does.
    `only_if_refused`: again only where S3 said that it did not carry it out; else what was begun would be begun twice.
    """

    most_tries: int
    seconds_for_tries: float
    seconds_kept: float = 0
    only_if_refused: bool = False

    def pause_seconds(
        self,
        tries: int,
        *,
        elapsed_seconds: float,
        is_refused: bool,
        seconds_left: float,
        answer_seconds: float,
        rng: random.Random,
    ) -> float | None:
        """For how long to wait before what failed for a moment is made once more; None if it is not.

        `answer_seconds`: how long the answer may take; it must come in time.
        """
        if tries >= self.most_tries or elapsed_seconds > self.seconds_for_tries:
            return None
        if self.only_if_refused and not is_refused:
            return None
        pause = retry_seconds(tries, rng=rng)
        return pause if seconds_left >= pause + answer_seconds + self.seconds_kept else None


USUAL_POLICY = RetryPolicy(most_tries=6, seconds_for_tries=300)  # some 8 s while S3 throttles, 200 s while it is silent


def retry_seconds(tries: int, *, rng: random.Random) -> float:
    """Seconds before a request is repeated that was tried so often already: up to 0.5, 1, 2, 4 ... 20, at random.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return rng.uniform(0, min(0.25 * 2**tries, LONGEST_PAUSE_SECONDS))
