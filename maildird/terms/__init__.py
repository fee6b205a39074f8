"""The words that all rooms share: flags, number sets, sections, codes, errors. Imports nothing."""
