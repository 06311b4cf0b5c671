"""What holds for every test, whatever started pytest."""

import signal

from hypothesis import HealthCheck, settings

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that: then nothing could show
# how a command takes an interruption. https://docs.python.org/3/library/signal.html#signal.default_int_handler
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long the fuzzers look: `make fuzz` takes "long". https://hypothesis.readthedocs.io/en/latest/tutorial/settings.html
settings.register_profile("quick", max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("quick"), max_examples=10_000)
settings.load_profile("quick")
