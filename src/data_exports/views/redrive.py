"""What a redrive moved, for programs.

In: counts. Out: values for JSON. Effects: none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RedriveData:
    """How many dead letters there were, about, and how many went back."""

    dataset: str
    dead_letters: int
    moved: int
