"""S3: DeleteObjects is judged key by key; a refused key is an error in the answer, the others are deleted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from ministack.core import iam_actions, iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import s3

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.s3_access import Need, allowed


@mends(iam_actions, "extract_iam_action", "service method path headers body query_params")
def a_batch_is_not_refused_as_a_whole(
    original: Callable[..., Any], service: str, method: str, path: str, *arguments: Any
) -> Any:
    """DeleteObjects has no permission of its own; its caller is authenticated here and judged below.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    """
    query = arguments[-1]
    if service == "s3" and method == "POST" and "delete" in query and "/" not in path.strip("/"):
        return None
    return original(service, method, path, *arguments)


@mends(s3, "_delete_objects", "bucket_name body headers")
def refused_keys_are_errors_and_the_others_go(
    original: Callable[..., Any], bucket_name: str, body: bytes, headers: Mapping[str, str] | None = None
) -> Any:
    """Each key needs `s3:DeleteObject` (with a version, `DeleteObjectVersion`; with an ETag, also `GetObject`).

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    """
    access_key = extract_access_key_id(headers or {}, {})
    try:
        root = iam_actions.fromstring(body)
    except Exception:  # noqa: BLE001 - what is no XML is refused by the operation itself
        return original(bucket_name, body, headers)
    refused = []
    for element in list(root) if access_key else []:
        fields = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
        if "Key" in fields and not all(_may(need, access_key) for need in _needs(bucket_name, fields)):
            refused.append(fields)
            root.remove(element)
    if not refused:
        return original(bucket_name, body, headers)
    status, reply_headers, reply = original(bucket_name, tostring(root), headers)
    return (status, reply_headers, _with_errors(reply, refused)) if status == 200 else (status, reply_headers, reply)


def _needs(bucket: str, fields: Mapping[str, str]) -> list[Need]:
    arn = f"arn:aws:s3:::{bucket}/{fields['Key']}"
    needs = [("s3:DeleteObjectVersion" if fields.get("VersionId") else "s3:DeleteObject", arn)]
    if fields.get("ETag", "*") != "*":
        needs.append(("s3:GetObject", arn))
    return needs


def _may(need: Need, access_key: str) -> bool:
    return allowed(need, access_key=access_key, caller=iam_evaluator.caller_arn().split(":")[4])


def _with_errors(reply: bytes, refused: Sequence[Mapping[str, str]]) -> bytes:
    root: Element = iam_actions.fromstring(reply)
    namespace = root.tag.rpartition("}")[0] + "}"
    for fields in refused:
        error = SubElement(root, f"{namespace}Error")
        named = {"Key": fields["Key"], "VersionId": fields.get("VersionId")}
        for name, value in {**named, "Code": "AccessDenied", "Message": "Access Denied"}.items():
            if value:
                SubElement(error, f"{namespace}{name}").text = value
    return bytes(tostring(root, encoding="utf-8", default_namespace=namespace.strip("{}"), xml_declaration=True))
