"""The bench: the product beside the tools that one would otherwise use, on the same rows."""
