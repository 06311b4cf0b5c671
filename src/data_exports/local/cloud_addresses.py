"""Where the stand-ins are, as functions are told.

In: a local AWS's state folder. Out: variables. Effects: reads a file there.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_exports.errors import LocalAwsError


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
    told = read_state(state_folder)
    return variables_of(told["ports"]) if told else {}


def read_state(state_folder: Path) -> Mapping[str, Any] | None:
    """What is known of those that run beside this local AWS; None, if none do.

    Raises `LocalAwsError` where the file is damaged.
    """
    place = state_file_of(state_folder)
    try:
        told = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        told = None
    if not isinstance(told, dict) or set(told) != {"pid", "ports", "owner_token"}:
        raise LocalAwsError(
            "what is known of the stand-ins of other clouds is damaged",
            where=str(place),
            next_step="`exports local down`, then `exports local up`",
        )
    return told
