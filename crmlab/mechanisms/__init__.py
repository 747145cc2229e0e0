"""Small pure functions that draw: survey items, paths, purchase histories."""
