"""Applications as the tutorials have them, in our own words: nothing certain is to be found."""

from __future__ import annotations

APPS: dict[str, str] = {
    "a tutorial's own connection": """
#: __init__.py
import os

from flask import Flask


def create_app(test_config=None):
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(SECRET_KEY="dev", DATABASE=os.path.join(app.instance_path, "a.sqlite"))
    from . import db, entries

    db.init_app(app)
    app.register_blueprint(entries.bp)
    return app
#: db.py
import sqlite3

import click
from flask import current_app, g


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db


def close_db(e=None):
    db = g.pop("db", None)
    if db is not None:
        db.close()


@click.command("init-db")
def init_db_command():
    with current_app.open_resource("schema.sql") as f:
        get_db().executescript(f.read().decode("utf8"))


def init_app(app):
    app.teardown_appcontext(close_db)
    app.cli.add_command(init_db_command)
#: entries.py
from flask import Blueprint, g, redirect, render_template, request, session, url_for

from .db import get_db

bp = Blueprint("entries", __name__)


@bp.before_app_request
def load_user():
    user_id = session.get("user_id")
    found = get_db().execute("SELECT * FROM user WHERE id = ?", (user_id,)).fetchone()
    g.user = None if user_id is None else found


@bp.route("/")
def index():
    rows = get_db().execute("SELECT * FROM entry ORDER BY created DESC").fetchall()
    return render_template("index.html", rows=rows)


@bp.route("/new", methods=("GET", "POST"))
def create():
    if request.method == "POST":
        db = get_db()
        db.execute("INSERT INTO entry (title) VALUES (?)", (request.form["title"],))
        db.commit()
        session["last"] = request.form["title"]
        return redirect(url_for("entries.index"))
    return render_template("create.html")
""",
    "the extension's quick start": """
#: extensions.py
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
#: models.py
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from extensions import db


class User(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String, unique=True)
    email: Mapped[str | None]
    entries: Mapped[list["Entry"]] = relationship(back_populates="user")


class Entry(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user: Mapped[User] = relationship(back_populates="entries")
#: app.py
from flask import Flask, redirect, render_template, request, url_for

from extensions import db
from models import Entry, User

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///project.db"
db.init_app(app)

with app.app_context():
    db.create_all()


@app.route("/users")
def users():
    found = db.session.execute(db.select(User).order_by(User.name)).scalars()
    return render_template("users.html", users=found)


@app.route("/users/create", methods=["GET", "POST"])
def create():
    if request.method == "POST":
        user = User(name=request.form["name"], email=request.form["email"])
        db.session.add(user)
        db.session.commit()
        return redirect(url_for("detail", id=user.id))
    return render_template("create.html")


@app.route("/users/<int:id>")
def detail(id):
    return render_template("detail.html", user=db.get_or_404(User, id))


@app.route("/users/<int:id>/delete", methods=["GET", "POST"])
def delete(id):
    user = db.get_or_404(User, id)
    if request.method == "POST":
        db.session.delete(user)
        db.session.commit()
        return redirect(url_for("users"))
    return render_template("delete.html", user=user)


@app.route("/entries")
def entries():
    page = db.paginate(db.select(Entry).order_by(Entry.id))
    names = db.paginate(db.select(User).order_by(User.name))
    return render_template("entries.html", page=page, names=names)


@app.route("/users/<int:id>/rename", methods=["POST"])
def rename(id):
    user = User.query.filter_by(id=id).first_or_404()
    if user.name == request.form["name"]:
        return redirect(url_for("detail", id=id))
    user.name = request.form["name"]
    try:
        db.session.commit()
    except Exception:
        db.session.rollback()
        raise
    return redirect(url_for("detail", id=id))
""",
    "sessions in blocks": """
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from flask import Flask, jsonify, request

engine = create_engine("postgresql+psycopg:///ledger", pool_pre_ping=True)
Session = sessionmaker(engine)
app = Flask(__name__)


class Base(DeclarativeBase):
    pass


class Entry(Base):
    __tablename__ = "entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


ALL = select(Entry).order_by(Entry.id)


def newest(session, size):
    return session.scalars(ALL.limit(size)).all()


@app.get("/")
def index():
    with Session() as session:
        return jsonify([entry.title for entry in newest(session, 20)])


@app.post("/")
def add():
    with Session.begin() as session:
        session.add(Entry(title=request.form["title"]))
    return "ok"


@app.post("/<int:nr>")
def change(nr):
    with Session() as session, session.begin():
        session.get(Entry, nr).title = request.form["title"]
    return "ok"


@app.delete("/<int:nr>")
def remove(nr):
    with engine.begin() as conn:
        conn.execute(Entry.__table__.delete().where(Entry.id == nr))
    return "ok"
""",
    "a registry that is emptied": """
#: database.py
from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker

engine = create_engine("sqlite:////tmp/test.db")
db_session = scoped_session(sessionmaker(autocommit=False, autoflush=False, bind=engine))
Base = declarative_base()
Base.query = db_session.query_property()


def init_db():
    import models

    Base.metadata.create_all(bind=engine)
#: models.py
from sqlalchemy import Column, Integer, String

from database import Base


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(50), unique=True, nullable=False)
#: app.py
from flask import Flask

from database import db_session
from models import User

app = Flask(__name__)


@app.teardown_appcontext
def shutdown_session(exception=None):
    db_session.remove()


@app.route("/")
def index():
    return str([user.name for user in User.query.all()])


@app.route("/add/<name>")
def add(name):
    db_session.add(User(name=name))
    db_session.commit()
    return "ok"
""",
    "a dependency": """
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Settings:
    url = "postgresql:///ledger"


@lru_cache
def settings():
    return Settings()


@lru_cache
def maker():
    return sessionmaker(create_engine(settings().url))


class Base(DeclarativeBase):
    pass


class Entry(Base):
    __tablename__ = "entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def get_session() -> Iterator[Session]:
    with maker()() as session:
        yield session


Wanted = Annotated[Session, Depends(get_session)]
app = FastAPI()


@app.get("/entries")
def entries(session: Wanted):
    return session.scalars(select(Entry).order_by(Entry.id).offset(10).limit(10)).all()


@app.post("/entries")
def add(title: str, session: Session = Depends(get_session)):
    session.add(Entry(title=title))
    session.commit()
    return "ok"
""",
    "services that get a session": '''
from flask import Flask, g
from flask_sqlalchemy import SQLAlchemy
from werkzeug.local import LocalProxy

db = SQLAlchemy()
session = LocalProxy(lambda: db.session)


class Entry(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(80), nullable=False)


class Entries:
    """Made once; asks for the session when it is used."""

    kinds = ("a", "b")

    def all(self):
        return db.session.scalars(db.select(Entry).order_by(Entry.id)).all()

    def add(self, title):
        entry = Entry(title=title)
        db.session.add(entry)
        db.session.commit()
        return entry


entries = Entries()


def create_app():
    app = Flask(__name__)
    db.init_app(app)
    names = []

    @app.before_request
    def begin():
        g.entries = entries.all()

    @app.get("/")
    def index():
        return str(g.entries) + str(names)

    @app.post("/<title>")
    def add(title):
        return str(entries.add(title).id)

    return app
''',
}
