"""What the benches have in common: made-up markets and the way time is taken."""
