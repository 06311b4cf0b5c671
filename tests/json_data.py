"""What programs read of a value of ours: its JSON, parsed."""

import json
from typing import Any

from data_exports.json_values import json_value_of


def json_data(value: object) -> Any:
    """The value as it is once it has been printed and read."""
    return json.loads(json.dumps(value, default=json_value_of))
