"""The names of recipients' places outside AWS, parsed once; each by the rules of whoever gives such names.

In: text. Out: `Identifier` values, or `InvalidNameError`. Effects: none. No pattern lets in what ends a part of an
address, of a condition or of a command that these names become part of.
"""

import re

from data_exports.names import Identifier


class StorageAccountName(Identifier):
    """A storage account of Azure; no two in the world have one name.

    https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name
    """

    __slots__ = ()
    pattern = re.compile("[a-z0-9]{3,24}")
    reason = "is not the name of an Azure storage account"
    hint = "write the account's name alone: 3 to 24 lower case letters and digits"


class ContainerName(Identifier):
    """A container of a storage account; those that begin with ``$`` are Azure's own.

    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#container-names
    """

    __slots__ = ()
    pattern = re.compile("(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*")
    reason = "is not the name of a container of Azure Blob Storage"
    hint = (
        "use 3 to 63 lower case letters, digits and -, starting and ending with a letter or digit, and no two - in a "
        "row"
    )


class GoogleBucketName(Identifier):
    """A bucket of Google Cloud Storage; one with dots may be longer, up to 63 characters from dot to dot.

    https://cloud.google.com/storage/docs/buckets#naming
    """

    __slots__ = ()
    pattern = re.compile(
        r"(?=[a-z0-9_-]{3,63}$|[a-z0-9_.-]{3,222}$)(?!goog)(?!.*(?:google|g00gle))"
        r"(?![0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$)"
        r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*"
    )
    reason = "is not the name of a bucket of Google Cloud Storage"
    hint = (
        "use 3 to 63 lower case letters, digits, -, _ and ., starting and ending with a letter or digit, without "
        "google in it"
    )


class ProjectNumber(Identifier):
    """The number of a project at Google.

    https://cloud.google.com/resource-manager/docs/creating-managing-projects#identifying_projects
    """

    __slots__ = ()
    pattern = re.compile("[1-9][0-9]{4,18}")
    reason = "is not the number of a Google project"
    hint = "`gcloud projects describe PROJECT --format='value(projectNumber)'` tells it"


class PoolProvider(Identifier):
    """A provider of a workload identity pool, by its full name.

    Of new pools and providers the page wants 4 to 32 characters; whether a shorter one exists, Google's answer tells.
    https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers/create
    """

    __slots__ = ()
    pattern = re.compile(
        "projects/[1-9][0-9]{4,18}/locations/global/workloadIdentityPools/(?!gcp-)[a-z0-9-]{3,32}"
        "/providers/(?!gcp-)[a-z0-9-]{3,32}"
    )
    reason = "is not the full name of a provider of a workload identity pool"
    hint = "write projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER"

    @property
    def project_number(self) -> str:
        """The number of its project."""
        return self.split("/")[1]

    @property
    def pool(self) -> str:
        """The full name of its pool."""
        return self.rpartition("/providers/")[0]

    @property
    def pool_id(self) -> str:
        """Its pool."""
        return self.split("/")[5]

    @property
    def provider_id(self) -> str:
        """What it is called in its pool."""
        return self.split("/")[7]
