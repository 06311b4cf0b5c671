"""Proves the recipient's half on the real thing: the mover, with its own role, tries each call that a delivery makes.

In: settings and the way to S3. Out: what was answered to each try, as plain facts; who has to do what about it is
judged by whoever asked. What is tried is the destination's own. Effects: at most one file at the recipient,
`<dataset>/.exports-probe`, which stays.
"""

from dataclasses import asdict

from data_exports.contract.keys import probe_key_of
from data_exports.contract.tasks import ProbeAnswer
from data_exports.mover.places.in_flight import InFlight, Way
from data_exports.mover.places.store import places_of
from data_exports.mover.rules.protocol import StoreAnswer
from data_exports.mover.settings import Settings
from data_exports.mover.time_left import SecondsLeft, endless


def probe(settings: Settings, way: Way, *, seconds_left: SecondsLeft = endless) -> ProbeAnswer:
    """Try everything, as long as there is time."""
    key, in_flight = probe_key_of(settings.dataset), InFlight[StoreAnswer](way, seconds_left=seconds_left)
    return ProbeAnswer(
        settings.dataset,
        settings.mover_version,
        asdict(settings.destination),
        key,
        tuple(places_of(settings, way).destination.probe(key, in_flight.ask)),
    )
