"""Figures for docs/PERFORMANCE.md: `python -m tools.benchmarks` runs all of them and rewrites the page."""
