"""What the Makefile sees to, whatever the environment that calls it says."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_commands_keep_what_python_compiled_for_them(tmp_path: Path) -> None:
    told = tmp_path / "told.mk"
    told.write_text('told: ; @echo "[$$PYTHONDONTWRITEBYTECODE]"\n')
    words = ["make", "--silent", "--no-print-directory", "-f", "Makefile", "-f", str(told), "told"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"
