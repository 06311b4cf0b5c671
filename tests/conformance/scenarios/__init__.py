"""What S3 answers the mover, as AWS documents it: the scenarios that every S3 is held to.

In: nothing. Out: `SCENARIOS`. No effects.
"""

from tests.conformance.scenarios.deliveries import DELIVERIES
from tests.conformance.scenarios.digests import DIGESTS
from tests.conformance.scenarios.keys import KEYS
from tests.conformance.scenarios.parts import PARTS_AND_LOG
from tests.conformance.scenarios.refusals import REFUSALS
from tests.conformance.scenarios.versions import VERSIONS

SCENARIOS = (*VERSIONS, *KEYS, *REFUSALS, *PARTS_AND_LOG, *DELIVERIES, *DIGESTS)
