"""How the bench asks a contestant: a line of JSON in, a line of JSON out, one question at a time.

    {"name": "…", "calls": 2, "place": {"page": 1, "key": null, "last": false, "where": {}, …}}
    {"seconds": [0.002, 0.002], "ids": [9, 8, …]}

The contestant takes its own time, so that the pipe costs it nothing, and answers with the ids of
the rows that it found, so that it can be seen that all found the same.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[dict[str, Any]], list[int]]

SIZE = 50


def speak(asks: dict[str, Ask]) -> None:
    """Answer until the questions end."""
    print(json.dumps(sorted(asks)), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        seconds, ids = [], []
        for _ in range(asked["calls"]):
            began = time.perf_counter()
            ids = asks[asked["name"]](asked["place"])
            seconds.append(time.perf_counter() - began)
        print(json.dumps({"seconds": seconds, "ids": ids}), flush=True)
