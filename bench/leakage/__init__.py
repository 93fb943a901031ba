"""Planted leaks of every kind, what catches them, and honest factors that nothing may catch."""
