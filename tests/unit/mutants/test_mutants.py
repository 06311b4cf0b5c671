"""What `make mutants` rests on: which faults it puts into code, and that its sample stays the same as code changes."""

from pathlib import Path

import pytest

from tests.mutants.__main__ import Mutant, draw_sample
from tests.mutants.mutations import Mutation, mutations_of
from tests.mutants.relevant import TOO_SLOW

ROOT = Path(__file__).parents[3]


def afters(text: str) -> set[str]:
    return {mutation.after for mutation in mutations_of(text)}


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a not in b", {"x = a in b"}),
        ("x = a and b", {"x = a or b", "x = (a)", "x = (b)"}),
        ("x = not a", {"x = (a)"}),
        ("x = 4 - y", {"x = 4 + y", "x = 5 - y"}),
        ("x = True", {"x = False"}),
        ("x = min(a)", {"x = max(a)"}),
        ("x = a if b else c", {"x = a if not (b) else c"}),
        ('x = {"a": b, "c": d}', {'x = {"c": d}', 'x = {"a": b}'}),
        ("x = a, b, c", {"x = b, c", "x = a, c", "x = a, b"}),
        ("call()", {"pass"}),
        ("def f():\n    return a", {"return None"}),
        ("def f():\n    raise a", {"pass"}),
        ("for x in y:\n    break", {"continue"}),
    ],
)
def test_each_kind_of_fault_is_made_by_itself(text: str, after: set[str]) -> None:
    assert afters(text) == after


@pytest.mark.parametrize(
    "text",
    [
        '"""A docstring."""',
        "from a import b, c",
        "x: dict[str, int]",
        "def f(a: Literal[1, 2]) -> tuple[int, str]: ...",
        "@decorated(True)\ndef f(): ...",
        'x = f"{a + 1} of {b}"',
        'x = "a" + y',
        "X = Callable[[int], None]",
    ],
)
def test_texts_types_imports_and_decorators_are_left_alone(text: str) -> None:
    assert afters(text) == set()


def test_a_mutation_says_its_line_and_holds_the_whole_module() -> None:
    (found,) = mutations_of('A = "ü"\ny()  # why\n')
    assert found == Mutation("left out", 2, "y()  # why", "pass  # why", 'A = "ü"\npass  # why\n')


def mutants(folder: str, number: int) -> list[Mutant]:
    return [Mutant(f"data_exports/{folder}/a.py", Mutation("k", 1, f"x{n}", f"y{n}", "")) for n in range(number)]


def test_a_sample_takes_of_each_folder_its_share_and_three_at_least() -> None:
    sample = draw_sample([*mutants("a", 900), *mutants("b/c", 97), *mutants("d", 3)], count=100, seed=1)
    folders = [mutant.folder for mutant in sample]
    assert {folder: folders.count(folder) for folder in folders} == {"a": 90, "b/c": 10, "d": 3}
    assert sample == draw_sample([*mutants("d", 3), *mutants("b/c", 97), *mutants("a", 900)], count=100, seed=1)
    assert sample != draw_sample([*mutants("a", 900), *mutants("b/c", 97), *mutants("d", 3)], count=100, seed=2)


def test_a_sample_stays_nearly_the_same_when_code_changes() -> None:
    before = {mutant.identifier for mutant in draw_sample(mutants("a", 1000), count=100, seed=1)}
    after = {mutant.identifier for mutant in draw_sample(mutants("a", 1010), count=100, seed=1)}
    assert len(before & after) >= 95


def test_what_is_left_out_as_too_slow_is_there() -> None:
    for each in TOO_SLOW:
        file, _, name = each.partition("::")
        assert f"def {name}" in (ROOT / file).read_text(), each
