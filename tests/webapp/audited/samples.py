"""Sources for the audit: each sick sample with its healthy twin.

A line that must be found ends with `#! rule grade`, several with commas between; everything else
must not be found. A sample of several files is divided by lines of `#: name.py`.
"""

from __future__ import annotations

BASE = """
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

app = Flask(__name__)
db = SQLAlchemy(app)

class Contact(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String, nullable=False)

class Tx(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    at = db.Column(db.DateTime, nullable=False)
    note = db.Column(db.String)
    labels = db.Column(db.JSON, nullable=False)
    contact_id = db.Column(db.ForeignKey("contact.id"))
    contact = db.relationship(Contact)
"""
PLAIN = """
from flask import Flask
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm import scoped_session, sessionmaker

app = Flask(__name__)
engine = create_engine("postgresql:///ledger")

class Base(DeclarativeBase): ...

class Tx(Base):
    __tablename__ = "tx"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
VIEW = """
@app.get("/")
def page():
    return {rows}
"""


def shows(rows: str) -> str:
    """Return a view that returns an expression."""
    return VIEW.format(rows=rows)


#: rule → (what is wrong, the source)
SICK: tuple[tuple[str, str, str], ...] = (
    ("captured-session", "called at import", BASE + """
with app.app_context():
    session = db.session()  #! captured-session certain
""" + shows("str(session.query(Tx).all())")),
    ("captured-session", "from a sessionmaker", PLAIN + """
Make = sessionmaker(engine)
s = Make()  #! captured-session certain
""" + shows("str(s.scalars(select(Tx)).all())")),
    ("captured-session", "Session(engine)", PLAIN + """
s = Session(engine)  #! captured-session certain
""" + shows("str(s.scalars(select(Tx)).all())")),
    ("captured-session", "a registry that is called", PLAIN + """
registry = scoped_session(sessionmaker(engine))
s = registry()  #! captured-session certain

@app.teardown_appcontext
def end(error):
    registry.remove()
""" + shows("str(s.scalars(select(Tx)).all())")),
    ("captured-session", "as a default argument", BASE + """
def rows(session=db.session()):  #! captured-session certain
    return session.scalars(select(Tx)).all()
""" + shows("str(rows())")),
    ("captured-session", "as a class attribute", BASE + """
class Ledger:
    session = db.session()  #! captured-session certain

    def rows(self):
        return self.session.scalars(select(Tx)).all()
""" + shows("str(Ledger().rows())")),
    ("captured-session", "in a singleton's attribute", BASE + """
class Ledger:
    def __init__(self):
        self.session = db.session()  #! captured-session certain

    def rows(self):
        return self.session.scalars(select(Tx)).all()

ledger = Ledger()
""" + shows("str(ledger.rows())")),
    ("captured-session", "handed to a singleton", BASE + """
class Ledger:
    def __init__(self, session):
        self.session = session

    def rows(self):
        return self.session.scalars(select(Tx)).all()

ledger = Ledger(db.session())  #! captured-session certain
""" + shows("str(ledger.rows())")),
    ("captured-session", "by a remembered function", PLAIN + """
from functools import lru_cache

Make = sessionmaker(engine)

@lru_cache
def current():
    return Make()  #! captured-session certain
""" + shows("str(current().scalars(select(Tx)).all())")),
    ("captured-session", "made at the first request", PLAIN + """
session = None

def current():
    global session
    if session is None:
        session = Session(engine)  #! captured-session certain
    return session
""" + shows("str(current().scalars(select(Tx)).all())")),
    ("captured-session", "in the factory's closure", """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

class Tx(db.Model):
    id = db.Column(db.Integer, primary_key=True)

def create_app():
    app = Flask(__name__)
    db.init_app(app)
    with app.app_context():
        session = db.session()  #! captured-session certain

    @app.route("/")
    def page():
        return str(session.query(Tx).all())

    return app
"""),
    ("captured-session", "from another file", """
#: extensions.py
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
#: store.py
from . import extensions

current = extensions.db.session()  #! captured-session certain
#: views.py
from flask import Blueprint

from .store import current as now

bp = Blueprint("b", __name__)

@bp.route("/")
def page():
    return str(now.execute("SELECT 1").all())
"""),
    ("captured-session", "by a star import", """
#: store.py
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

current = Session(create_engine("postgresql:///ledger"))  #! captured-session certain
#: views.py
from flask import Blueprint
from store import *

bp = Blueprint("b", __name__)

@bp.route("/")
def page():
    return str(current.execute("SELECT 1").all())
"""),
    ("captured-session", "nobody known answers requests", PLAIN + """
s = Session(engine)  #! captured-session likely

def rows():
    return s.scalars(select(Tx)).all()
"""),
    ("captured-session", "closed at the end of requests", PLAIN + """
s = Session(engine)  #! captured-session likely

@app.teardown_request
def end(error):
    s.close()
""" + shows("str(s.scalars(select(Tx)).all())")),
    ("captured-session", "of an extension that was not read", """
from flask import Flask
from company.extensions import db

app = Flask(__name__)
session = db.session()  #! captured-session likely

@app.get("/")
def page():
    return str(session.execute("SELECT 1").all())
"""),
    ("captured-session", "of a command that runs once", PLAIN + """
import click

s = Session(engine)  #! captured-session likely

@click.command()
def report():
    print(s.scalars(select(Tx)).all())
"""),
    ("uncommitted-write", "something commits, called by nobody", BASE + """
class Middleware:
    def __call__(self, environ, start):
        found = app.wsgi_app(environ, start)
        db.session.commit()
        return found

@app.post("/")
def write():
    db.session.add(Tx())  #! uncommitted-write likely
    return "ok"
"""),
    ("json-in-place", "perhaps to be shown", BASE + """
@app.get("/")
def page():
    row = db.session.get(Tx, 1)
    row.labels.sort()  #! json-in-place likely
    return str(row.labels)
"""),
    ("http-cache", "of a file", BASE + """
from flask import send_file

@app.get("/<int:nr>")
def file(nr):
    response = send_file(db.session.get_one(Tx, nr).note)
    response.cache_control.max_age = 60  #! http-cache look
    return response
"""),
    ("blind-etag", "with a version", BASE + """
from flask import make_response
from sqlalchemy import func

@app.get("/")
def page():
    count, changed = db.session.execute(select(func.count(), func.max(Tx.updated_at))).one()
    response = make_response(str(count))
    response.set_etag(f"{count}-{changed}")  #! blind-etag look
    return response
"""),
    ("captured-query", "Model.query", BASE + """
with app.app_context():
    EVERY = Tx.query.order_by(Tx.id)  #! captured-query certain
""" + shows("str(EVERY.all())")),
    ("captured-query", "session.query() of a class", BASE + """
class Ledger:
    every = db.session.query(Tx)  #! captured-query certain

    def rows(self):
        return self.every.all()
""" + shows("str(Ledger().rows())")),
    ("pushed-context", "at import", BASE + """
app.app_context().push()  #! pushed-context likely
""" + shows("str(db.session.scalars(select(Tx)).all())")),
    ("expire-on-commit", "of a sessionmaker", PLAIN + """
Make = sessionmaker(engine, expire_on_commit=False)  #! expire-on-commit look
"""),
    ("expire-on-commit", "of the extension", """
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy(session_options={"expire_on_commit": False})  #! expire-on-commit look
"""),
    ("pinned-snapshot", "with a captured session", PLAIN + """
url = "postgresql:///x"
other = create_engine(url, isolation_level="REPEATABLE READ")  #! pinned-snapshot certain
s = Session(other)  #! captured-session certain
""" + shows("str(s.scalars(select(Tx)).all())")),
    ("pinned-snapshot", "by itself", PLAIN + """
other = create_engine("postgresql:///x", isolation_level="SERIALIZABLE")  #! pinned-snapshot look
"""),
    ("unclosed-session", "in a view", PLAIN + """
Make = sessionmaker(engine)

@app.get("/")
def page():
    session = Make()  #! unclosed-session look
    return str(session.scalars(select(Tx)).all())
"""),
    ("held-objects", "read at import", BASE + """
with app.app_context():
    ROWS = Tx.query.all()  #! held-objects certain, engine-before-fork look
""" + shows("str(ROWS)")),
    ("held-objects", "a figure read at import", BASE + """
with app.app_context():
    TOTAL = Tx.query.count()  #! held-objects certain, engine-before-fork look
""" + shows("str(TOTAL)")),
    ("held-objects", "filled at the first request", BASE + """
rows = []

@app.get("/")
def page():
    if not rows:
        rows.extend(db.session.scalars(select(Tx)))  #! held-objects certain
    return str(rows)
"""),
    ("held-objects", "through global", BASE + """
rows = None

@app.get("/")
def page():
    global rows
    if rows is None:
        rows = Tx.query.all()  #! held-objects certain
    return str(rows)
"""),
    ("held-objects", "kept after each request", BASE + """
shown = []

@app.get("/")
def page():
    shown[:] = db.session.scalars(select(Tx))  #! held-objects likely
    return str(shown)
"""),
    ("held-objects", "in the user's session", BASE + """
from flask import session

@app.get("/")
def page():
    session["me"] = db.session.get(Contact, 1)  #! held-objects likely
    return "ok"
"""),
    ("held-objects", "on the application", BASE + """
from flask import current_app

@app.get("/")
def page():
    current_app.config["ROWS"] = db.session.scalars(select(Tx)).all()  #! held-objects likely
    return "ok"
"""),
    ("held-objects", "in a form's field", BASE + """
from wtforms import Form, SelectField

class ContactForm(Form):
    contact = SelectField(  #! held-objects likely
        choices=[(each.id, each.name) for each in Contact.query.all()]  #! engine-before-fork look
    )
""" + shows("str(ContactForm())")),
    ("cached-function", "flask-caching", BASE + """
from flask_caching import Cache

cache = Cache(app)

@app.get("/")
@cache.cached(timeout=60)  #! cached-function certain
def page():
    return str(Tx.query.all())
"""),
    ("cached-function", "through a function, emptied by a writer", BASE + """
from flask_caching import Cache

cache = Cache(app)

def read():
    return db.session.scalars(select(Tx)).all()

@cache.memoize()  #! cached-function likely
def rows():
    return read()

@app.post("/")
def write():
    db.session.add(Tx())
    db.session.commit()
    cache.delete_memoized(rows)
    return "ok"
"""),
    ("cached-function", "of cachetools", BASE + """
from cachetools import TTLCache, cached

@cached(TTLCache(10, 60))  #! cached-function certain
def rows():
    return db.session.scalars(select(Tx)).all()
"""),
    ("cached-function", "a page without data", BASE + """
from flask_caching import Cache

cache = Cache(app)

@app.get("/about")
@cache.cached()  #! cached-function look
def about():
    return "about"
"""),
    ("remembered-function", "lru_cache", BASE + """
import functools as f

@f.lru_cache(maxsize=None)  #! remembered-function certain
def rows():
    return db.session.scalars(select(Tx)).all()
""" + shows("str(rows())")),
    ("remembered-function", "a property of a singleton", BASE + """
from functools import cached_property

class Ledger:
    @cached_property  #! remembered-function certain
    def rows(self):
        return Tx.query.all()

ledger = Ledger()
""" + shows("str(ledger.rows)")),
    ("remembered-function", "cleared by somebody", BASE + """
from functools import cache

@cache  #! remembered-function likely
def rows():
    return Tx.query.all()

@app.post("/clear")
def clear():
    rows.cache_clear()
    return "ok"
"""),
    ("hand-made-cache", "if key not in", BASE + """
CACHE = {}

@app.get("/<name>")
def page(name):
    if name not in CACHE:
        CACHE[name] = db.session.scalars(select(Tx)).all()  #! hand-made-cache certain
    return str(CACHE[name])
"""),
    ("hand-made-cache", "try, except KeyError, of a figure", BASE + """
CACHE = {}

@app.get("/<name>")
def page(name):
    try:
        return CACHE[name]
    except KeyError:
        found = Tx.query.count()
        CACHE[name] = found  #! hand-made-cache certain
    return str(found)
"""),
    ("cache-around-query", "redis", BASE + """
from redis import Redis

store = Redis()

@app.get("/")
def page():
    found = store.get("rows")
    if found is None:
        found = str(Tx.query.all())
        store.setex("rows", 60, found)  #! cache-around-query likely
    return found
"""),
    ("cached-fragment", "in a string", BASE + """
from flask import render_template_string

PAGE = "{% cache 60 %}{{ rows }}{% endcache %}"  #! cached-fragment likely

@app.get("/")
def page():
    return render_template_string(PAGE, rows=Tx.query.all())
"""),
    ("uncommitted-write", "only flushed", BASE + """
@app.post("/")
def write():
    db.session.add(Tx())  #! uncommitted-write certain
    db.session.flush()
    return "ok"
"""),
    ("uncommitted-write", "an attribute", BASE + """
@app.post("/<int:nr>")
def write(nr):
    row = db.session.get(Tx, nr)
    row.note = "new"  #! uncommitted-write certain
    return "ok"
"""),
    ("uncommitted-write", "a Core statement", BASE + """
from sqlalchemy import update

@app.post("/<int:nr>")
def write(nr):
    db.session.execute(update(Tx).values(note="x"))  #! uncommitted-write certain
    return "ok"
"""),
    ("uncommitted-write", "a return before the commit", BASE + """
@app.post("/<int:nr>")
def write(nr):
    row = db.session.get(Tx, nr)
    row.note = request.form["note"]  #! uncommitted-write likely
    if not row.note:
        return "empty"
    db.session.commit()
    return "ok"
"""),
    ("uncommitted-write", "in what the view calls", BASE + """
def save(nr):
    db.session.get(Tx, nr).note = "x"  #! uncommitted-write likely

@app.post("/<int:nr>")
def write(nr):
    save(nr)
    return "ok"
"""),
    ("uncommitted-write", "by an endless worker", BASE + """
from queue import Queue

jobs = Queue()

def work():
    while True:
        db.session.add(jobs.get())  #! uncommitted-write likely
        if jobs.empty():
            db.session.commit()
"""),
    ("uncommitted-write", "in a repository without a request", PLAIN + """
Make = sessionmaker(engine)

def write():
    with Make() as session:
        session.add(Tx())  #! uncommitted-write look
"""),
    ("swallowed-error", "passed over", BASE + """
@app.post("/")
def write():
    db.session.add(Tx())
    try:
        db.session.commit()
    except Exception:  #! swallowed-error look
        return "sorry"
    return "ok"
"""),
    ("wrong-scope", "a constant", """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app, session_options={"scopefunc": lambda: 0})  #! wrong-scope certain
""" + shows('str(db.session.execute("SELECT 1").all())')),
    ("wrong-scope", "the process", PLAIN + """
import os

registry = scoped_session(sessionmaker(engine), os.getpid)  #! wrong-scope certain

@app.teardown_request
def end(error):
    registry.remove()
""" + shows("str(registry.scalars(select(Tx)).all())")),
    ("wrong-scope", "the thread", PLAIN + """
import threading

registry = scoped_session(sessionmaker(engine), scopefunc=threading.get_ident)  #! wrong-scope look
"""),
    ("no-teardown", "nobody removes it", PLAIN + """
registry = scoped_session(sessionmaker(engine))  #! no-teardown certain
""" + shows("str(registry.scalars(select(Tx)).all())")),
    ("no-teardown", "removed under a condition", PLAIN + """
registry = scoped_session(sessionmaker(engine))  #! no-teardown certain

@app.get("/")
def page(reset=False):
    if reset:
        registry.remove()
    return str(registry.scalars(select(Tx)).all())
"""),
    ("session-in-thread", "as an argument", PLAIN + """
from threading import Thread

def work(session):
    session.scalars(select(Tx)).all()

@app.get("/")
def page():
    with Session(engine) as session:
        Thread(target=work, args=(session,)).start()  #! session-in-thread certain
        return str(session.scalars(select(Tx)).all())
"""),
    ("session-in-thread", "an object, to a pool", BASE + """
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor()

def work(row):
    print(row.contact)

@app.get("/")
def page():
    row = db.session.get(Tx, 1)
    pool.submit(work, row)  #! session-in-thread likely
    return "ok"
"""),
    ("session-in-thread", "closed over", PLAIN + """
import threading

@app.get("/")
def page():
    with Session(engine) as session:
        def work():
            session.scalars(select(Tx)).all()
        threading.Thread(target=work).start()  #! session-in-thread certain
        return str(session.scalars(select(Tx)).all())
"""),
    ("session-in-thread", "in a task's message", BASE + """
from tasks import mail

@app.get("/")
def page():
    row = db.session.get(Tx, 1)
    mail.delay(row)  #! session-in-thread likely
    return "ok"
"""),
    ("engine-before-fork", "with preload", """
#: gunicorn.conf.py
preload_app = True
#: app.py
""" + BASE + """
with app.app_context():
    db.create_all()  #! engine-before-fork certain
""" + shows("str(Tx.query.all())")),
    ("engine-before-fork", "if it were preloaded", BASE + """
with app.app_context():
    db.create_all()  #! engine-before-fork look
""" + shows("str(Tx.query.all())")),
    ("engine-before-fork", "in a child process", PLAIN + """
from multiprocessing import Process

def work():
    with Session(engine) as session:
        with engine.connect() as conn:
            conn.execute(select(Tx)).all()
        engine.execute("SELECT 1")

def start():
    Process(target=work).start()  #! engine-before-fork likely
"""),
    ("http-cache", "max_age", BASE + """
from flask import make_response

@app.get("/")
def page():
    response = make_response(str(Tx.query.all()))
    response.cache_control.max_age = 60  #! http-cache certain
    return response
"""),
    ("http-cache", "a header", BASE + """
@app.get("/")
def page():
    return str(Tx.query.all()), 200, {
        "Cache-Control": "public, max-age=300",  #! http-cache certain
    }
"""),
    ("http-cache", "of unknown length", BASE + """
from flask import make_response

@app.get("/")
def page():
    response = make_response(str(Tx.query.all()))
    response.cache_control.max_age = app.config["AGE"]  #! http-cache likely
    return response
"""),
    ("http-cache", "of every answer", BASE + """
@app.after_request
def kept(response):
    response.headers["Cache-Control"] = "max-age=60"  #! http-cache likely
    return response
"""),
    ("blind-etag", "count and highest id", BASE + """
from flask import make_response
from sqlalchemy import func

@app.get("/")
def page():
    count, last = db.session.execute(select(func.count(), func.max(Tx.id))).one()
    response = make_response(str(count))
    response.set_etag(f"{count}-{last}")  #! blind-etag certain
    return response
"""),
    ("blind-etag", "of something else", BASE + """
from flask import make_response

@app.get("/")
def page():
    rows = Tx.query.all()
    response = make_response(str(rows))
    response.set_etag(rows[0].note)  #! blind-etag look
    return response
"""),
    ("loose-offset", "no order", BASE + """
@app.get("/")
def page():
    return str(db.session.scalars(select(Tx).offset(20).limit(10)).all())  #! loose-offset certain
"""),
    ("loose-offset", "no order, paginate", BASE + """
@app.get("/")
def page():
    return str(Tx.query.filter(Tx.id > 1).paginate(page=2).items)  #! loose-offset certain
"""),
    ("loose-offset", "an order that is not unique", BASE + """
@app.get("/")
def page():
    rows = select(Tx).order_by(Tx.at.desc())
    return str(db.paginate(rows).items)  #! loose-offset likely
"""),
    ("loose-offset", "an order that cannot be told", BASE + """
@app.get("/")
def page():
    rows = select(Tx).order_by(request.args["by"])
    return str(db.session.scalars(rows.offset(1)).all())  #! loose-offset look
"""),
    ("torn-page", "count and rows", BASE + """
@app.get("/")
def page():
    total = Tx.query.count()  #! torn-page look
    return str(total) + str(Tx.query.all())
"""),
    ("null-comparison", "not equal", BASE + """
@app.get("/")
def page():
    rows = select(Tx).where(Tx.note != "spam")  #! null-comparison look
    return str(db.session.scalars(rows).all())
"""),
    ("null-comparison", "not in", BASE + """
@app.get("/")
def page():
    rows = select(Tx).where(Tx.note.not_in(["spam"]))  #! null-comparison look
    return str(db.session.scalars(rows).all())
"""),
    ("json-in-place", "append", BASE + """
@app.post("/")
def write():
    db.session.get(Tx, 1).labels.append("rent")  #! json-in-place certain
    db.session.commit()
    return "ok"
"""),
    ("json-in-place", "a key, in a loop", BASE + """
@app.post("/")
def write():
    for row in db.session.scalars(select(Tx)):
        row.labels["rent"] = True  #! json-in-place certain
    db.session.commit()
    return "ok"
"""),
    ("json-in-place", "of a parameter", BASE + """
def label(row: Tx):
    row.labels.append("rent")  #! json-in-place likely
"""),
    ("json-in-place", "of something unknown", BASE + """
def label(row):
    row.labels.append("rent")  #! json-in-place look
"""),
    ("untold-update", "with objects around", BASE + """
from sqlalchemy import text

@app.post("/")
def write():
    row = db.session.get(Tx, 1)
    print(row.note)
    db.session.execute(text("UPDATE tx SET note = 'x'"))  #! untold-update likely
    shown = row.note
    db.session.commit()
    return shown
"""),
    ("untold-update", "synchronize_session=False", BASE + """
@app.post("/")
def write():
    Tx.query.update({"note": "x"}, synchronize_session=False)  #! untold-update look
    db.session.commit()
    return "ok"
"""),
    ("untouched-relation", "the key alone", BASE + """
@app.post("/")
def write():
    row = db.session.get(Tx, 1)
    row.contact_id = 2  #! untouched-relation likely
    name = row.contact.name
    db.session.commit()
    return name
"""),
    ("frozen-bound", "a default argument", BASE + """
from datetime import datetime

def rows(until=datetime.now()):  #! frozen-bound certain
    return db.session.scalars(select(Tx).where(Tx.at <= until)).all()
""" + shows("str(rows())")),
    ("frozen-bound", "in a module's statement", BASE + """
import datetime as dt

RECENT = select(Tx).where(Tx.at < dt.datetime.now())  #! frozen-bound certain
""" + shows("str(db.session.scalars(RECENT).all())")),
    ("frozen-bound", "a module's moment", BASE + """
from datetime import datetime

NOW = datetime.now()  #! frozen-bound likely
""" + shows("str(db.session.scalars(select(Tx).where(Tx.at < NOW)).all())")),
    ("two-databases", "the extension and an engine", """
from flask import Flask
from sqlalchemy import create_engine

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///app.db"  #! two-databases likely
engine = create_engine("sqlite:///app.db")  #! two-databases likely
"""),
    ("two-databases", "relative to the start", """
from sqlalchemy import create_engine

engine = create_engine("sqlite:///app.db")  #! two-databases look
"""),
    ("stored-copy", "a materialized view", BASE + """
from sqlalchemy import text

def refresh():
    db.session.execute(text("REFRESH MATERIALIZED VIEW list"))  #! stored-copy likely
    db.session.commit()
""" + shows('str(db.session.execute(text("SELECT * FROM list")).all())')),
    ("replica", "a bind", BASE + """
app.config["SQLALCHEMY_BINDS"] = {
    "replica": "postgresql://other/ledger",  #! replica look
}
"""),
    ("raw-connection", "no reset", """
from sqlalchemy import create_engine

engine = create_engine("postgresql:///x", pool_reset_on_return=None)  #! raw-connection likely
"""),
)  # fmt: skip

HEALTHY: tuple[tuple[str, str, str], ...] = (
    ("captured-session", "the proxy", BASE + """
session = db.session
""" + shows("str(session.scalars(select(Tx)).all())")),
    ("captured-session", "in a block", PLAIN + """
Make = sessionmaker(engine)

with Make() as s:
    Base.metadata.bind = s
""" + shows("str(Make)")),
    ("captured-session", "a script", PLAIN + """
if __name__ == "__main__":
    s = Session(engine)

    def work():
        return s.scalars(select(Tx)).all()
"""),
    ("captured-session", "of one request", PLAIN + """
from flask import g

@app.before_request
def begin():
    g.session = Session(engine)

@app.teardown_request
def end(error):
    g.session.close()
""" + shows("str(g.session.scalars(select(Tx)).all())")),
    ("captured-session", "an object for each request", PLAIN + """
class Ledger:
    def __init__(self, session):
        self.session = session

    def rows(self):
        return self.session.scalars(select(Tx)).all()

@app.get("/")
def page():
    with Session(engine) as session:
        return str(Ledger(session).rows())
"""),
    ("captured-session", "a closure of the view", PLAIN + """
@app.get("/")
def page():
    with Session(engine) as session:
        def rows():
            return session.scalars(select(Tx)).all()
        return str(rows())
"""),
    ("captured-session", "a dependency", """
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, sessionmaker

app = FastAPI()
Make = sessionmaker(create_engine("postgresql:///ledger"))

def current():
    session = Make()
    try:
        yield session
    finally:
        session.close()

@app.get("/")
def page(session: Session = Depends(current)):
    session.add(object())
    return session.execute(select(1)).all()
"""),
    ("captured-session", "renewed by each request", PLAIN + """
class Ledger:
    def __enter__(self):
        self.session = Session(engine)
        return self.session

    def __exit__(self, *error):
        self.session.close()

@app.get("/")
def page():
    with Ledger() as session:
        return str(session.scalars(select(Tx)).all())
"""),
    ("no-teardown", "in blocks", PLAIN + """
registry = scoped_session(sessionmaker(engine))

@app.get("/")
def page():
    with registry() as session:
        return str(session.scalars(select(Tx)).all())
"""),
    ("no-teardown", "handed to the application", PLAIN + """
registry = scoped_session(sessionmaker(engine))
app.teardown_appcontext(registry.remove)
""" + shows("str(registry.scalars(select(Tx)).all())")),
    ("http-cache", "checked each time", BASE + """
from flask import make_response

@app.get("/")
def page():
    response = make_response(str(Tx.query.all()))
    response.cache_control.max_age = 60
    response.cache_control.no_cache = True
    return response
"""),
    ("uncommitted-write", "the caller says whether", BASE + """
class Saved:
    def save(self, commit=True):
        db.session.add(self)
        if commit:
            db.session.commit()
        return self

@app.post("/")
def write():
    Saved().save()
    return "ok"
"""),
    ("uncommitted-write", "the extension's teardown commits", BASE + """
class Config:
    SQLALCHEMY_COMMIT_ON_TEARDOWN = True

@app.post("/")
def write():
    db.session.add(Tx())
    return "ok"
"""),
    ("captured-query", "a statement", BASE + """
EVERY = select(Tx).order_by(Tx.id)
""" + shows("str(db.session.scalars(EVERY).all())")),
    ("pushed-context", "a block", BASE + """
with app.app_context():
    print(app.name)
""" + shows("'x'")),
    ("held-objects", "ids, and g", BASE + """
from flask import g, session

seen = []

@app.get("/")
def page():
    me = db.session.get(Contact, 1)
    g.me = me
    session["me"] = me.id
    seen.append(me.id)
    seen.append(request.path)
    return "ok"
"""),
    ("held-objects", "a list of one request", BASE + """
@app.get("/")
def page():
    rows = []
    rows.extend(db.session.scalars(select(Tx)))
    by_id = {}
    for row in rows:
        by_id[row.id] = row
    return str(by_id)
"""),
    ("cached-function", "what reads no data", BASE + """
from functools import cache, cached_property

@cache
def settings():
    return {"a": 1}

class Row:
    @cached_property
    def rows(self):
        return Tx.query.all()

@app.get("/")
def page():
    return str(Row().rows) + str(settings())
"""),
    ("hand-made-cache", "of what is no data", BASE + """
CACHE = {}

@app.get("/<name>")
def page(name):
    if name not in CACHE:
        CACHE[name] = name.upper()
    return CACHE[name]
"""),
    ("uncommitted-write", "committed", BASE + """
@app.post("/<int:nr>")
def write(nr):
    row = db.session.get(Tx, nr)
    if row is None:
        return "none"
    row.note = "x"
    try:
        db.session.commit()
    except Exception:
        db.session.rollback()
        raise
    return "ok"
"""),
    ("uncommitted-write", "in a block that commits", PLAIN + """
Make = sessionmaker(engine)

@app.post("/")
def write():
    with Make.begin() as session:
        session.add(Tx())
    with Make() as session, session.begin():
        session.add(Tx())
        return "ok"
"""),
    ("uncommitted-write", "the caller commits", BASE + """
def put(session):
    session.add(Tx())

def save():
    db.session.add(Tx())

@app.post("/")
def write():
    save()
    put(db.session)
    db.session.commit()
    return "ok"
"""),
    ("uncommitted-write", "a hook commits", BASE + """
@app.after_request
def commit(response):
    db.session.commit()
    return response

@app.post("/")
def write():
    db.session.add(Tx())
    return "ok"
"""),
    ("uncommitted-write", "a decorator commits", BASE + """
from functools import wraps

def committed(view):
    @wraps(view)
    def wrapper(*args):
        found = view(*args)
        db.session.commit()
        return found
    return wrapper

@committed
def save():
    db.session.add(Tx())

@app.post("/")
def write():
    save()
    return "ok"
"""),
    ("wrong-scope", "of the context", PLAIN + """
from flask import g

registry = scoped_session(sessionmaker(engine), scopefunc=lambda: id(g._get_current_object()))

@app.teardown_appcontext
def end(error):
    registry.remove()
""" + shows("str(registry.scalars(select(Tx)).all())")),
    ("no-teardown", "removed in a finally", PLAIN + """
registry = scoped_session(sessionmaker(engine))

@app.get("/")
def page():
    try:
        return str(registry.scalars(select(Tx)).all())
    finally:
        registry.remove()
"""),
    ("no-teardown", "removed by a registered function", PLAIN + """
registry = scoped_session(sessionmaker(engine))

def end(error):
    registry.remove()

app.teardown_appcontext(end)
""" + shows("str(registry.scalars(select(Tx)).all())")),
    ("session-in-thread", "its own", PLAIN + """
from threading import Thread

def work(session, nr):
    session.scalars(select(Tx)).all()

@app.get("/")
def page():
    Thread(target=work, args=(Session(engine), 7)).start()
    theirs = Session(engine)
    Thread(target=work, args=(theirs, 8)).start()
    return "ok"
"""),
    ("engine-before-fork", "given up", """
#: gunicorn.conf.py
preload_app = True

def post_fork(server, worker):
    from app import db
    db.engine.dispose(close=False)
#: app.py
""" + BASE + """
with app.app_context():
    db.create_all()
""" + shows("str(Tx.query.all())")),
    ("http-cache", "no-store, and no data", BASE + """
from flask import make_response

@app.get("/")
def page():
    response = make_response(str(Tx.query.all()))
    response.headers["Cache-Control"] = "no-store"
    return response

@app.get("/logo")
def logo():
    response = make_response("logo")
    response.cache_control.max_age = 3600
    return response

@app.get("/zero")
def zero():
    response = make_response(str(Tx.query.all()))
    response.cache_control.max_age = 0
    return response
"""),
    ("blind-etag", "of what is shown", BASE + """
from hashlib import sha256

from flask import make_response

@app.get("/")
def page():
    shown = str(Tx.query.all())
    response = make_response(shown)
    response.set_etag(sha256(shown.encode()).hexdigest())
    return response
"""),
    ("loose-offset", "ordered to the end", BASE + """
def newest():
    return select(Tx).order_by(Tx.at.desc(), Tx.id)

@app.get("/")
def page():
    rows = select(Tx)
    rows = rows.order_by(Tx.at, Tx.id)
    found = db.session.scalars(rows.offset(20).limit(10)).all()
    return str(found) + str(db.paginate(newest()).items)
"""),
    ("null-comparison", "of what has a value", BASE + """
@app.get("/")
def page():
    return str(db.session.scalars(select(Tx).where(Tx.at != "2024", Tx.note != None)).all())
"""),
    ("json-in-place", "tracked, flagged, assigned", BASE + """
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm.attributes import flag_modified

class Tracked(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    tags = db.Column(MutableList.as_mutable(db.JSON), nullable=False)

@app.post("/")
def write():
    db.session.get(Tracked, 1).tags.append("rent")
    db.session.commit()
    return "ok"

@app.post("/2")
def flag():
    row = db.session.get(Tx, 1)
    row.labels.append("rent")
    flag_modified(row, "labels")
    db.session.commit()
    return "ok"

@app.post("/4")
def both():
    row = db.session.get(Tx, 1)
    row.labels.append("rent")
    row.labels = list(row.labels)
    db.session.commit()
    return "ok"

@app.post("/3")
def assign():
    row = db.session.get(Tx, 1)
    row.labels = [*row.labels, "rent"]
    db.session.commit()
    return "ok"
"""),
    ("untouched-relation", "read after the commit", BASE + """
@app.post("/")
def write():
    row = db.session.get(Tx, 1)
    row.contact_id = 2
    db.session.commit()
    return row.contact.name
"""),
    ("frozen-bound", "asked in the request", BASE + """
from datetime import datetime

STARTED = datetime.now()

def rows(until=None):
    return db.session.scalars(select(Tx).where(Tx.at <= (until or datetime.now()))).all()
""" + shows("str(rows()) + str(STARTED)")),
    ("two-databases", "one place, and an absolute path", """
from flask import Flask
from sqlalchemy import create_engine

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///app.db"
engine = create_engine("sqlite:////var/lib/app.db")
memory = create_engine("sqlite:///:memory:")
"""),
)  # fmt: skip
