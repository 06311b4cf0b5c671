"""What delivery costs, measured beside the tools that people would use instead: `make bench`.

Each module is a benchmark of its own, run as `python -m benchmarks.<name> [--json FILE]`: `mover`, `requests`,
`cold_start`, `large` and `latency`. Results and how to read them: docs/benchmarks.md.
"""
