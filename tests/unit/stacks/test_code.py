import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import data_exports
from data_exports.stacks.code import mover_code


def names_in_the_zip() -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(mover_code().body)).namelist())


def test_the_zip_holds_every_module_of_the_mover_and_of_the_contract_and_nothing_else() -> None:
    source = Path(data_exports.__file__).parent
    modules = {path for folder in ("contract", "mover") for path in (source / folder).rglob("*.py")}
    packed = {f"data_exports/{path.relative_to(source).as_posix()}" for path in modules}
    assert names_in_the_zip() == packed | {"data_exports/__init__.py"}
    assert {"data_exports/mover/rules/delivery.py", "data_exports/contract/receipts.py"} <= packed


def test_the_zip_is_the_same_bytes_whenever_it_is_built() -> None:
    code = mover_code()
    words = [sys.executable, "-c", "from data_exports.stacks.code import mover_code; print(mover_code().key)"]
    other = subprocess.run(words, env={**os.environ, "TZ": "Asia/Tokyo"}, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == code.key
    assert code.key.startswith("code/mover-")


def test_the_zip_starts_with_nothing_but_pythons_own_library(tmp_path: Path) -> None:
    file = tmp_path / "mover.zip"
    file.write_bytes(mover_code().body)
    words = [sys.executable, "-S", "-s", "-c", "import data_exports.mover.handler as handler; print(handler.__file__)"]
    done = subprocess.run(words, env={"PYTHONPATH": str(file)}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(file))
