"""Measurements, side by side with Dovecot where it is installed: `python -m tests.bench`.

Nothing here is a test and nothing is asserted. Each group of rows is a file, `rows.py` names them.
"""
