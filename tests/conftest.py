"""What holds for every test, whatever started pytest."""

import signal

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that: then nothing could show
# how a command takes an interruption. https://docs.python.org/3/library/signal.html#signal.default_int_handler
signal.signal(signal.SIGINT, signal.default_int_handler)
