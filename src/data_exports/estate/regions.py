"""The regions of AWS's partition `aws`, as the installed botocore knows them. Reads one file of it, once.

botocore is not imported: `exports check` must stay quick, and the list is a small file of its own.
https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
"""

import json
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from data_exports.contract.settings import OTHER_PARTITIONS
from data_exports.names import InvalidNameError, KmsKeyArn, Region


@cache
def known_regions() -> dict[str, str]:
    """Each region's name, and what AWS calls it: ``eu-west-2``, ``Europe (London)``."""
    spec = find_spec("botocore")
    assert spec is not None  # boto3 is a dependency
    path = Path((spec.submodule_search_locations or [""])[0]) / "data" / "partitions.json"
    (partition,) = (each for each in json.loads(path.read_bytes())["partitions"] if each["id"] == "aws")
    found = {name: about["description"] for name, about in partition["regions"].items()}
    return {name: words for name, words in found.items() if name[-1].isdigit()}  # not `aws-global`


def parse_region(text: str) -> Region:
    """The region. Raises `InvalidNameError`, with the nearest one, when there is none of this name."""
    if text in known_regions():
        return Region(text)
    try:
        region = Region(text)
    except InvalidNameError as error:
        raise InvalidNameError(str(error), hint=_nearest(text) or error.hint) from error
    hint = _nearest(text) or f"{Region.hint}; if {region} is new, update boto3"
    raise InvalidNameError(f"{text!r} is no region that the installed boto3 knows", hint=hint)


def parse_key(text: str) -> KmsKeyArn:
    """The key, of which the region is one. Raises `InvalidNameError`."""
    key = KmsKeyArn(text)
    parse_region(key.split(":")[3])
    return key


def _nearest(text: str) -> str:
    """A question for the region that was probably meant, by its name or by the place it is in; "" for none."""
    if text.startswith(OTHER_PARTITIONS):  # no slip
        return ""
    regions = known_regions()
    word = text.lower()
    places = [name for name, words in regions.items() if word in words.lower()] if len(word) > 3 else []
    near = get_close_matches(word, regions, n=1, cutoff=0.7) or places
    return f"did you mean {near[0]!r}?" if near else ""
