"""Mends go in loudly or not at all."""

from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace
from typing import Any

import pytest

from data_exports.errors import LocalAwsError
from data_exports.local.gaps import patching
from data_exports.local.gaps.patching import Mend


def greet(name: str, times: int = 1) -> str:
    return f"hello {name}" * times


def louder(original: Any, *arguments: Any) -> str:
    return f"{original(*arguments)}!"


def test_a_mend_wraps_a_function_and_gets_the_original_first() -> None:
    holder = SimpleNamespace(greet=greet)
    Mend(holder, "greet", "name times", louder).apply()
    assert holder.greet("ana") == "hello ana!"


def test_two_mends_of_one_function_wrap_each_other() -> None:
    holder = SimpleNamespace(greet=greet)
    for _ in range(2):
        Mend(holder, "greet", "name times", louder).apply()
    assert holder.greet("ana") == "hello ana!!"


def test_a_mend_goes_into_a_table_too() -> None:
    table = {"greet": greet}
    Mend(table, "greet", "name times", louder).apply()
    assert table["greet"]("ana") == "hello ana!"


def test_a_function_that_is_gone_is_told() -> None:
    holder = SimpleNamespace(__name__="emulator.module")
    with pytest.raises(LocalAwsError, match=r"the emulator has no emulator\.module\.greet any more"):
        Mend(holder, "greet", "name times", louder).apply()


def test_a_function_that_takes_something_else_is_told() -> None:
    holder = SimpleNamespace(__name__="emulator.module", greet=greet)
    with pytest.raises(LocalAwsError, match=r"emulator\.module\.greet takes \(name times\) and not \(name\)"):
        Mend(holder, "greet", "name", louder).apply()
    assert holder.greet is greet


@pytest.mark.parametrize("found", ["1.5.34", "1.5.3", "2.0"])
def test_any_other_version_of_the_emulator_is_refused(found: str) -> None:
    with pytest.raises(LocalAwsError, match=rf"ministack {found} is installed") as caught:
        patching.check_emulator_version(lambda _name: found)
    assert "install ministack 1.5.33" in caught.value.next_step


def test_what_the_mends_need_besides_is_missed_by_name() -> None:
    def version_of(name: str) -> str:
        if name == "joserfc":
            raise PackageNotFoundError
        return patching.EMULATOR_VERSION

    with pytest.raises(LocalAwsError, match="joserfc, which verifies tokens, is not installed") as caught:
        patching.check_emulator_version(version_of)
    assert "make .venv/installed-dev" in caught.value.next_step


def test_the_installed_version_is_the_one_the_mends_are_for() -> None:
    patching.check_emulator_version()  # raises nothing
    assert version("ministack") == patching.EMULATOR_VERSION
