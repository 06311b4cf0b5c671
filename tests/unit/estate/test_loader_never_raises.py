"""Whatever the files hold, loading ends in an estate or in findings, and never in an exception."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.estate.written import PLATFORM, PULL, PUSH, load, write_estate

YAML_MARKS = st.sampled_from(
    [*"-:?[]{},&*!|>%@`'\"#\n\t \x00\x1b\u2028é", "---\n", "...", "<<: ", "!!str ", "*a", "&a "]
)
FIELD_NAMES = st.sampled_from(
    ["name", "users", "target_bucket", "bucket", "expires", "paperwork", "pull_arns", "allow_push", "platform", "tags"]
)
SCALARS = st.sampled_from(["true", "[True]", "2031-01-02", "9999-12-31", "'*'", "null", "~", "", "012345678901", "1e9"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]"), max_leaves=6
)


def faults(**files: str | bytes) -> list[object]:
    """What is wrong with what loading these files ends in; that it raises is a failure of its own."""
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(write_estate(Path(folder), **files))
    loaded.readable()
    neither_or_both = [loaded] if (loaded.estate is None) != bool(loaded.errors) else []
    nowhere = [each for each in loaded.findings if each.place.line < 1 or each.place.column < 1]
    return [*neither_or_both, *nowhere, *(each for each in loaded.findings if not str(each).encode())]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes(platform: bytes, push: bytes) -> None:
    assert faults(platform=platform, push=push) == []


@given(st.lists(st.one_of(YAML_MARKS, FIELD_NAMES, SCALARS), max_size=40).map("".join))
def test_any_text_that_looks_like_yaml(text: str) -> None:
    assert faults(platform=text, push=text, pull=text) == []


@given(st.dictionaries(FIELD_NAMES, VALUES, max_size=6))
def test_any_fields_with_any_values(fields: dict[str, str]) -> None:
    lines = [f"{name}: {value}\n" for name, value in fields.items()]
    assert (
        faults(
            platform="platform:\n" + "".join(f"  {line}" for line in lines), push="".join(lines), pull="".join(lines)
        )
        == []
    )


@given(st.sampled_from(["platform", "push", "pull"]), st.data())
def test_good_files_with_a_slip(which: str, data: st.DataObject) -> None:
    good = {"platform": PLATFORM, "push": PUSH, "pull": PULL}[which]
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 20)))
    slip = data.draw(st.one_of(st.text(max_size=5), YAML_MARKS, SCALARS))
    changed = (good[:start] + slip + good[end:]).encode(errors="surrogatepass")
    assert faults(**{which: changed}) == []
