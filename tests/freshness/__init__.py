"""A checker of freshness: load, faults and rules that say whether what was read was true.

    python -m tests.freshness --help

It trusts nothing of the product: tokens are taken apart here, rows are read from the pages as a
browser gets them, and what should have stood there follows from the writes alone.
"""
