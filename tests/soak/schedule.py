"""What a soak does, decided beforehand: who uploads what, which events are repeated or held up, what is killed.

In: a seed and how many uploads. Out: a `Schedule`, the same for the same seed. No effects.
"""

from dataclasses import dataclass
from random import Random

DATASETS = ("orders", "orders_late", "orders-kept", "returns", "orders_azure", "orders_google", "orders-acting")
"""Names that begin alike: `orders` must not reach `orders_late`."""
KEPT = "orders-kept"
SENDERS = ("alpha_user_ana", "alpha_user_Ben-Two", "alpha_app_loader")
_ODD_NAMES = (
    "plain.csv",
    "two words.csv",
    "a+b.csv",
    "100%.csv",
    "café ü.csv",
    "<&>'\".csv",
    "a=b;c@d!$().csv",
    "…/deep.csv",
)
_LARGE_NAME = "large.bin"
_WITH_LARGE = (KEPT, "returns", "orders_azure", "orders_google")
_ONE_LARGE_IN = 8  # keys of a dataset that has large ones
_ODDS_OF_LARGE = 1 / 3  # to be chosen, of those of another key
LARGE_BYTES = 6 * 1024 * 1024
_UPLOADS_OF_A_KEY = 6
_CONTENTS_OF_A_KEY = 4  # fewer than its uploads: some contents, and so ETags, come again


@dataclass(frozen=True, slots=True)
class Put:
    """One upload: the sender waits, then puts this content under this key."""

    dataset: str
    key: str
    body: bytes
    pause_seconds: float
    repeats_after_seconds: tuple[float, ...]
    """Its event comes again so long after the upload."""


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill a function's process so long after the last kill; `choice` says which of those that run."""

    pause_seconds: float
    choice: float


@dataclass(frozen=True, slots=True)
class HoldUp:
    """Take what one queue holds so long after the last time, and put it back later, in another order."""

    pause_seconds: float
    dataset: str
    back_after_seconds: float
    order: int


@dataclass(frozen=True, slots=True)
class Suspend:
    """Suspend the hub's versioning so long after the last time, and turn it on again later."""

    pause_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class NoTokens:
    """Have nobody get a token so long after the last time, and have them get some again later."""

    pause_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that is decided beforehand. Troubles go on, from the start again, while there are uploads."""

    puts: tuple[tuple[Put, ...], ...]
    """For each sender, in order."""
    kills: tuple[Kill, ...]
    hold_ups: tuple[HoldUp, ...]
    suspensions: tuple[Suspend, ...]
    outages: tuple[NoTokens, ...]


def schedule_of(seed: int, uploads: int) -> Schedule:
    """Decide everything."""
    random = Random(f"schedule {seed}")
    keys = [
        (dataset, f"{dataset}/{number:04d} {_name_of(dataset, number)}")
        for number in range(max(1, uploads // (_UPLOADS_OF_A_KEY * len(DATASETS))))
        for dataset in DATASETS
    ]
    odds = [_ODDS_OF_LARGE if key.endswith(_LARGE_NAME) else 1 for _, key in keys]
    puts: list[list[Put]] = [[] for _ in SENDERS]
    for _ in range(uploads):
        ((dataset, key),) = random.choices(keys, odds)
        puts[random.randrange(len(SENDERS))].append(_put_of(random, dataset, key))
    return Schedule(
        puts=tuple(map(tuple, puts)),
        kills=tuple(Kill(random.uniform(1, 5), random.random()) for _ in range(100)),
        hold_ups=tuple(
            HoldUp(random.uniform(0.2, 1), random.choice(DATASETS), random.uniform(0, 3), random.getrandbits(32))
            for _ in range(100)
        ),
        suspensions=tuple(Suspend(random.uniform(5, 15), random.uniform(1, 5)) for _ in range(100)),
        outages=tuple(NoTokens(random.uniform(3, 10), random.uniform(1, 5)) for _ in range(100)),
    )


def _name_of(dataset: str, number: int) -> str:
    if dataset in _WITH_LARGE and number % _ONE_LARGE_IN == 0:
        return _LARGE_NAME
    return _ODD_NAMES[number % len(_ODD_NAMES)]


def _put_of(random: Random, dataset: str, key: str) -> Put:
    content = f"{key} {random.randrange(_CONTENTS_OF_A_KEY)} ".encode()
    return Put(
        dataset=dataset,
        key=key,
        body=content * (LARGE_BYTES // len(content) if key.endswith(_LARGE_NAME) else 1 + len(key) % 40),
        pause_seconds=random.choice((0, 0, 0.01, 0.05)),
        repeats_after_seconds=tuple(random.uniform(0, 4) for _ in range(random.choice((0, 0, 0, 1, 1, 3)))),
    )
