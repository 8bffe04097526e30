"""Who is asked: data layers through pipes, pages through HTTP."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.bench.contest import ROOT
from tests.bench.ours import address
from tests.bench.served import Site, gunicorn, paged
from webapp import signing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.contest import Place
    from tests.bench.served import Address

PEERS = ROOT / "tests" / "bench" / "peers"
SECRET = "a secret of the bench"


def layers(url: str, python: Path) -> list[list[str]]:
    """Return the commands of all that speaks through a pipe."""
    ours = [sys.executable, "-m", "tests.bench.ours", url]
    return [ours, [str(python), str(PEERS / "layers.py"), url]]


def sites(url: str, python: Path, home: Path) -> list[Site]:
    """Return all that is served."""
    told = {"BENCH_URL": url}
    flask, admin = gunicorn(python, "flask_pages"), gunicorn(python, "django_pages")
    listed, named = "/{}/admin/transaction/", "flt0_{}_is"
    pages = {
        "Flask-SQLAlchemy, no count": paged("/page", "page"),
        "Flask-SQLAlchemy, count": paged("/page", "page", count="1"),
        "Flask-Admin, no count": paged("/admin/uncounted/", "page", 0, filtered=named),
        "Flask-Admin, count": paged("/admin/counted/", "page", 0, filtered=named),
    }
    django = {
        f"Django admin, {words}": django_paged(listed.format(name))
        for words, name in (("no count", "uncounted"), ("count", "counted"))
    }
    return [ours(url, home), Site(flask, told, pages, PEERS), Site(admin, told, django, PEERS)]


def ours(url: str, home: Path) -> Site:
    """Return our own server, as `freshledger serve` runs it."""
    key = signing.derived(SECRET.encode(), "cursor")
    command = [sys.executable, "-c", "from webapp.cli import main; main()", "serve"]
    told = {"DATABASE_URL": url, "FRESHLEDGER_HOME": str(home), "SECRET_KEY": SECRET}

    def here(place: Place) -> str:
        return address(given(place), key)

    return Site(command, told, {"our page": here}, ROOT)


def given(place: Place) -> dict[str, object]:
    """Return a place as our own side reads it from the pipe."""
    return {"key": place.key, "last": place.last, "named": dict(place.named)}


def django_paged(path: str) -> Address:
    """Return how Django admin's address names a place: relations by their id, words exactly."""
    lookups = {"wallet": "wallet__id__exact", "type": "type__exact", "label": "labels__id__exact"}
    numbered = paged(path, "p")

    def address(place: Place) -> str:
        found = numbered(place)
        for key, lookup in lookups.items():
            found = found.replace(f"?{key}=", f"?{lookup}=")
        return found

    return address
