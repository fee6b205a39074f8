"""Commands as frozen dataclasses, one file per family, each with its grammar and parser."""
