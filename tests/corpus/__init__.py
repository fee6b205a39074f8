"""Mail made by a seeded generator: realistic in size and shape, the same for the same seed."""
