"""What follows the deliveries of a batch, at SQS and SNS: each in its own part of the function's time.

In: what a batch came to. Out: what went wrong, as values; that nothing could be sent on is raised. Effects: messages
sent to the dataset's own queue, how long failed messages stay away, alerts. An idle function starts sooner without SQS:
it is imported only where something is left to do.
"""

from collections.abc import Mapping, Sequence

from data_exports.mover.places.alerts import Alert, publish
from data_exports.mover.settings import Settings
from data_exports.mover.time_left import KEPT_AFTER_ALERTS, KEPT_AFTER_SENDING_ON, KEPT_FOR_THE_ANSWER, TimeLeft
from data_exports.mover.wire.endpoints import sns_url_of
from data_exports.mover.wire.service import THE_WIRE, Service, ServiceError, Wire

_NO_QUEUE = "the function does not know its queue: QUEUE_URL is missing. Deploy the dataset's stack again"


class FollowUps:
    """The follow-ups of one invocation."""

    def __init__(self, settings: Settings, time: TimeLeft, *, wire: Wire = THE_WIRE) -> None:
        """Ask nothing yet."""
        self._wire = wire
        self._settings = settings
        self._send_on_left = time.before(KEPT_AFTER_SENDING_ON)
        self._send_alert_left = time.before(KEPT_AFTER_ALERTS)
        self._delay_left = time.before(KEPT_FOR_THE_ANSWER)

    def send_on(self, bodies: Sequence[str]) -> None:
        """Send messages with these bodies to the dataset's own queue. Raises ServiceError."""
        from data_exports.mover.places.queue import open_queue

        settings = self._settings
        if settings.queue_url is None:
            raise ServiceError(_NO_QUEUE)
        with open_queue(settings, seconds_left=self._send_on_left, wire=self._wire) as queue:
            queue.send(bodies)

    def send_alert(self, alert: Alert) -> list[ServiceError]:
        """Publish an alert to the dataset's topics; return what went wrong."""
        settings = self._settings
        url, left = settings.sns_endpoint_url or sns_url_of(settings.region), self._send_alert_left
        with Service(url, name="sns", region=settings.region, seconds_left=left, wire=self._wire) as sns:
            return publish(alert, settings.alert_topics, sns)

    def delay_messages(self, seconds_by_handle: Mapping[str, int]) -> list[ServiceError]:
        """Have messages come back after so many seconds, by receipt handle; return what went wrong."""
        from data_exports.mover.places.queue import open_queue

        settings = self._settings
        if settings.queue_url is None:
            return []
        with open_queue(settings, seconds_left=self._delay_left, wire=self._wire) as queue:
            return queue.delay_messages(seconds_by_handle)
