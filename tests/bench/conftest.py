"""The peers' scripts are run by an interpreter of their own: what they import is not here."""

from __future__ import annotations

collect_ignore_glob = ["peers/*.py"]
