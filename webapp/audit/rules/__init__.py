"""One rule for each disease, in the order in which they are worth a look."""

from __future__ import annotations

from webapp.audit.rules import (
    bounds,
    caches,
    captured,
    held,
    http,
    mapping,
    paging,
    scopes,
    threads,
    writes,
)

RULES = (
    *captured.RULES,
    *held.RULES,
    *caches.RULES,
    *writes.RULES,
    *scopes.RULES,
    *threads.RULES,
    *http.RULES,
    *paging.RULES,
    *mapping.RULES,
    *bounds.RULES,
)
