"""What files cannot be called in another cloud: the mover refuses such a name, and a sender is told before.

In: a key. Out: what is wrong with it, in words; nothing if the store can hold it. No effects.
https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
https://cloud.google.com/storage/docs/objects#naming
"""

import re

_MOST_SEGMENTS = 254  # of a name, between slashes
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def problem_of_blob_name(key: str) -> str:
    """Why Azure cannot hold a file of this name; nothing if it can.

    A backslash, and parts that end with a dot, among them `..`, may come to lie elsewhere than they say. A name
    may have 1,024 characters; no key of S3 has more than 1,024 bytes.
    """
    if _CONTROL.search(key):
        return "it has a control character"
    if key.count("/") >= _MOST_SEGMENTS:
        return f"it has more than {_MOST_SEGMENTS} parts"
    if "\\" in key:
        return "it has a backslash, which Azure takes for a slash"
    if key.endswith("/"):
        return "it ends with a slash"
    if any(part.endswith(".") for part in key.split("/")):
        return "a part of it ends with a dot"
    return ""


def problem_of_object_name(key: str) -> str:
    """Why Google cannot hold a file of this name, or may take it for another; nothing if it can."""
    if "\r" in key or "\n" in key:
        return "it has a line break"
    if any(part in (".", "..") for part in key.split("/")):
        return "a part of it is `.` or `..`"
    return ""
