"""The code that stands in a template itself, compared with what the function has.

In: an `Aws` and a template. Out: differences. Effects: fetches the function's zip, from where Lambda says.

CloudFormation does not look at a function's code. It puts what stands in a template into a file `index` of the zip, and
may add its own module for answers to it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
"""

import io
import lzma
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import partial

from data_exports.aws import Aws, call_or_none
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import DifferenceKind, LiveDifference, call
from data_exports.deploy.drift.presigned import read_presigned

_FILE = "index.py"
_OF_CLOUDFORMATION = "cfnresponse.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def check_inline_code(aws: Aws, template: DeployedTemplate) -> Iterator[LiveDifference]:
    """Functions whose code is not what their template holds; one that is gone is told by others.

    Raises botocore's exceptions, and `ExportsError` when the zip cannot be fetched.
    """
    for _, properties in template.resources("AWS::Lambda::Function"):
        wanted = properties["Code"].get("ZipFile")
        if wanted is None:
            continue
        name = properties["FunctionName"]
        found = call_or_none(partial(aws.client("lambda").get_function, FunctionName=name))
        if found is None or _files_in(read_presigned(aws, found["Code"]["Location"])) == {_FILE: wanted.encode()}:
            continue
        zipped = b64encode(_zipped(wanted)).decode()
        put = call("lambda", "update_function_code", FunctionName=name, ZipFile=zipped)
        said = f"the function {name}: its code is not what stands in the template"
        yield LiveDifference(DifferenceKind.INLINE_CODE, said, put)


def _files_in(body: bytes) -> Mapping[str, bytes]:
    """The files of a zip by name; none when it is no zip, or not one that can be read: encrypted, damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if name != _OF_CLOUDFORMATION}
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, OSError, ValueError):
        return {}


def _zipped(source: str) -> bytes:
    """The zip of this one file, the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(_FILE, _EPOCH)
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, source)
    return packed.getvalue()
