"""The `qbrain` command."""
