"""Functions made for a test, and what they answer."""

import io
import json
import zipfile
from typing import Any

from tests.emulator.steps import Steps


def zip_of(code: str, *, name: str = "index.py") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, code)
    return buffer.getvalue()


def function(steps: Steps, code: str, role: str, *, name: str, **more: Any) -> None:
    """Make a function of `index.py` with this code, whose `handler` is called."""
    steps.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": zip_of(code)},
        **({"Timeout": 10} | more),
    )


def answer_of(steps: Steps, name: str, payload: object = None) -> Any:
    reply = steps.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload).encode())
    return json.loads(reply["Payload"].read())
