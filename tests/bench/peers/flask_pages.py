"""The page with Flask: Flask-SQLAlchemy's paginate() in a plain template; Flask-Admin's list."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, render_template_string, request
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.filters import BaseSQLAFilter
from flask_sqlalchemy import SQLAlchemy
from markupsafe import Markup, escape
from models import LOADED, Transaction, asked, narrowed
from speaking import SIZE
from sqlalchemy import func

app = Flask(__name__)
app.config.update(
    SECRET_KEY="bench",
    SQLALCHEMY_DATABASE_URI=os.environ["BENCH_URL"].replace("://", "+psycopg://", 1),
    SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": "AUTOCOMMIT"},
)
app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
db = SQLAlchemy(app)

TABLE = """<!doctype html><html lang="en"><head><title>Transactions</title></head><body>
<h1>Transactions{% if found.total is not none %} ({{ found.total }}){% endif %}</h1>
<table><thead><tr><th>Time<th>Type<th>Wallet<th>Counterparty<th>Out<th>In<th>Fee<th>Labels<th>Note
</tr></thead><tbody>
{% for one in found.items %}
<tr id="t{{ one.id }}"><td><a href="/transactions/{{ one.id }}">{{ one.occurred_at }}</a></td>
<td><a href="?type={{ one.type }}">{{ one.type }}</a></td>
<td><a href="?wallet={{ one.wallet_id }}">{{ one.wallet.name }}</a></td><td>{{ one.contact }}</td>
{% for kind, sign in (("principal", -1), ("principal", 1), ("fee", 0)) %}
<td>{% for each in one.movements if each.kind == kind and (not sign or each.amount * sign > 0) %}
{{ each.amount }} {{ each.asset.symbol }}{% endfor %}</td>
{% endfor %}
<td>{% for label in one.labels %}<a href="?label={{ label.id }}">{{ label.name }}</a> {% endfor %}
</td>
<td>{{ one.note }}</td></tr>
{% endfor %}
</tbody></table>
{% if found.has_prev %}<a href="?page={{ found.prev_num }}">Previous</a>{% endif %}
{% if found.items | length == found.per_page %}
<a href="?page={{ found.page + 1 }}">Next</a>{% endif %}
</body></html>"""


@app.get("/page")
def page() -> str:
    where = {key: request.args[key] for key in ("wallet", "type", "label") if key in request.args}
    found = db.paginate(
        asked(where),
        page=request.args.get("page", 1, int),
        per_page=SIZE,
        count="count" in request.args,
        error_out=False,
    )
    return render_template_string(TABLE, found=found)


class Equals(BaseSQLAFilter):
    """A filter on what a column, or a label, is."""

    def apply(self, query: Any, value: str, alias: Any = None) -> Any:
        return narrowed(query, {self.name: value})

    def operation(self) -> str:
        return "is"


def amounts(kind: str, sign: int) -> Any:
    def shown(_view: Any, _context: Any, one: Transaction, _name: str) -> Markup:
        return Markup(" ").join(
            escape(f"{each.amount} {each.asset.symbol}")
            for each in one.movements
            if each.kind == kind and (not sign or each.amount * sign > 0)
        )

    return shown


def linked(_view: Any, _context: Any, one: Transaction, _name: str) -> Markup:
    return Markup('<a id="t{0}" href="/transactions/{0}">{1}</a>').format(one.id, one.occurred_at)


class Transactions(ModelView):
    page_size = SIZE
    can_create = can_edit = can_delete = False
    named_filter_urls = True
    column_auto_select_related = False  # what LOADED does, twice and by joins
    column_list = (
        "occurred_at", "type", "wallet", "contact", "out", "into", "fee", "labels", "note"
    )  # fmt: skip
    column_default_sort = [("occurred_at", True), ("id", True)]
    column_sortable_list = ("occurred_at",)
    column_filters = [Equals(None, name) for name in ("wallet", "type", "label")]
    column_formatters = {
        "occurred_at": linked,
        "out": amounts("principal", -1),
        "into": amounts("principal", 1),
        "fee": amounts("fee", 0),
        "labels": lambda _view, _context, one, _name: ", ".join(map(str, one.labels)),
    }

    def get_query(self) -> Any:
        return self.session.query(Transaction).options(*LOADED)

    def get_count_query(self) -> Any:
        return self.session.query(func.count(Transaction.id))


class Uncounted(Transactions):
    simple_list_pager = True


admin = Admin(app, name="bench")
admin.add_view(Transactions(Transaction, db.session, name="Counted", endpoint="counted"))
admin.add_view(Uncounted(Transaction, db.session, name="Uncounted", endpoint="uncounted"))
