"""What a redrive moved, for programs.

In: counts. Out: plain data. Effects: none.
"""

from typing import TypedDict


class RedriveData(TypedDict):
    """How many dead letters there were, about, and how many went back."""

    dataset: str
    dead_letters: int
    moved: int
