"""Where the stand-ins are, as functions are told. In: a local AWS's state folder. Out: variables. Effects: none."""

import json
from collections.abc import Mapping
from pathlib import Path


def state_file_of(state_folder: Path) -> Path:
    """What says where they are, in the state folder of a local AWS."""
    return state_folder / "clouds.json"


def variables_of(ports: Mapping[str, int]) -> dict[str, str]:
    """What tells the mover where each service is."""
    url = {service: f"http://127.0.0.1:{port}" for service, port in ports.items()}
    return {
        "AZURE_ENDPOINT_URL_BLOB": url["blobs"],
        "AZURE_ENDPOINT_URL_LOGIN": url["entra"],
        "GOOGLE_ENDPOINT_URL_STORAGE": url["objects"],
        "GOOGLE_ENDPOINT_URL_STS": url["google_tokens"],
        "GOOGLE_ENDPOINT_URL_IAM_CREDENTIALS": url["google_tokens"],
    }


def variables_in(state_folder: Path) -> dict[str, str]:
    """The same of those that run beside this local AWS; none, if none do."""
    try:
        return variables_of(json.loads(state_file_of(state_folder).read_text(encoding="utf-8"))["ports"])
    except FileNotFoundError:
        return {}
