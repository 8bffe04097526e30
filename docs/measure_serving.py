"""Measure what the garbage collector's settings are worth to a page.

`DATABASE_URL=… python docs/measure_serving.py` asks the first page in one process, in turn as
Python collects by itself and as our workers do; prints medians and their ratio.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from dal.database import Ledger
from dal.settings import DalSettings
from webapp import create_app
from webapp.serve import spare_collections
from webapp.settings import WebSettings

ROUNDS, PAGES = 40, 25
THRESHOLD = gc.get_threshold()


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as home:
        settings = DalSettings(home=Path(home))
        with Ledger(os.environ["DATABASE_URL"], settings) as ledger:
            client = create_app(WebSettings(dal=settings), ledger).test_client()
            client.get("/transactions")
            found: dict[str, list[float]] = {"default": [], "spared": []}
            for _ in range(ROUNDS):
                for name, set_up in (("default", leave), ("spared", spare_collections)):
                    set_up()
                    began = time.perf_counter()
                    for _ in range(PAGES):
                        client.get("/transactions").close()
                    found[name].append((time.perf_counter() - began) / PAGES)
                    leave()
    for name, seconds in found.items():
        print(f"{name:<8} {1_000 * median(seconds):.2f} ms a page")
    ratio = median(b / a for a, b in zip(*found.values(), strict=True))
    print(f"ratio    {ratio:.2f}")


def leave() -> None:
    """Collect as Python does by itself."""
    gc.unfreeze()
    gc.set_threshold(*THRESHOLD)


if __name__ == "__main__":
    main()
