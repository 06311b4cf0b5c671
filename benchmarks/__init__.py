"""What delivering and declaring cost, measured beside the tools that people would use instead: `make bench`.

Each module is a benchmark of its own, run as `python -m benchmarks.<name> [--json FILE]`: `mover`, `requests`,
`cold_start`, `large`, `latency` and `control_plane`. Results and how to read them: docs/benchmarks.md.
"""
