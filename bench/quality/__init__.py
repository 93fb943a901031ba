"""What the checks find in twelve real data sets: `python -m bench.quality DATA > docs/quality.md`."""
