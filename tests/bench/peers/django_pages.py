"""Django admin's list view on the ledger's tables, open to everybody."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

_url = urlsplit(os.environ["BENCH_URL"])
settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="bench",
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _url.path[1:],
            "USER": _url.username,
            "PASSWORD": _url.password or "",
            "HOST": parse_qs(_url.query).get("host", [_url.hostname or ""])[0],
            "PORT": _url.port or "",
            "CONN_MAX_AGE": None,
            "OPTIONS": {"server_side_binding": False},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.staticfiles",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    STATIC_URL="/static/",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
)

import django

django.setup()

from django.contrib import admin
from django.core.paginator import Paginator
from django.core.wsgi import get_wsgi_application
from django.db import models
from django.db.models import OuterRef, Prefetch, Subquery
from django.db.models.functions import Coalesce
from django.urls import path


class Mapped(models.Model):
    class Meta:
        abstract = True
        app_label = "admin"
        managed = False

    def __str__(self) -> str:
        return str(getattr(self, "name", self.pk))


class Wallet(Mapped):
    name = models.TextField()

    class Meta(Mapped.Meta):
        db_table = "wallets"


class Contact(Mapped):
    name = models.TextField()

    class Meta(Mapped.Meta):
        db_table = "contacts"


class ContactAddress(Mapped):
    pk = models.CompositePrimaryKey("network", "address")
    network = models.TextField()
    address = models.TextField()
    contact = models.ForeignKey(Contact, models.DO_NOTHING)

    class Meta(Mapped.Meta):
        db_table = "contact_addresses"


class Label(Mapped):
    name = models.TextField()

    class Meta(Mapped.Meta):
        db_table = "labels"


class Asset(Mapped):
    symbol = models.TextField()

    class Meta(Mapped.Meta):
        db_table = "assets"


class Transaction(Mapped):
    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField()
    wallet = models.ForeignKey(Wallet, models.DO_NOTHING)
    contact = models.ForeignKey(Contact, models.DO_NOTHING, null=True)
    type = models.TextField()
    status = models.TextField()
    version = models.IntegerField()
    amount = models.DecimalField(max_digits=1000, decimal_places=18)
    network = models.TextField()
    tx_hash = models.TextField(null=True)
    address = models.TextField()
    counterparty = models.TextField()
    note = models.TextField()
    labels = models.ManyToManyField(Label, through="Tagging")

    class Meta(Mapped.Meta):
        db_table = "transactions"


class Tagging(Mapped):
    pk = models.CompositePrimaryKey("transaction_id", "label_id")
    transaction = models.ForeignKey(Transaction, models.DO_NOTHING)
    label = models.ForeignKey(Label, models.DO_NOTHING)

    class Meta(Mapped.Meta):
        db_table = "transaction_labels"


class Movement(Mapped):
    pk = models.CompositePrimaryKey("transaction_id", "key")
    key = models.BigIntegerField()
    transaction = models.ForeignKey(Transaction, models.DO_NOTHING, related_name="movements")
    asset = models.ForeignKey(Asset, models.DO_NOTHING)
    position = models.IntegerField()
    kind = models.TextField()
    amount = models.DecimalField(max_digits=1000, decimal_places=18)

    class Meta(Mapped.Meta):
        db_table = "movements"


def sums(one: Transaction, kind: str, sign: int) -> str:
    return " ".join(
        f"{each.amount} {each.asset.symbol}"
        for each in one.movements.all()
        if each.kind == kind and (not sign or each.amount * sign > 0)
    )


class Uncounting(Paginator):
    """The usual way round the count: a number that is always enough."""

    count = 2**31


class Transactions(admin.ModelAdmin):
    list_display = ("occurred_at", "type", "wallet", "party", "out", "into", "fee", "tags", "note")
    list_select_related = ("wallet", "contact")
    list_filter = ("wallet", "labels")
    list_per_page = 50
    ordering = ("-occurred_at", "-id")
    actions = None

    def get_queryset(self, request: Any) -> Any:
        there = ContactAddress.objects.filter(
            network=OuterRef("network"), address=OuterRef("counterparty")
        )
        moved = Prefetch("movements", Movement.objects.select_related("asset").order_by("position"))
        return (
            super()
            .get_queryset(request)
            .annotate(named=Coalesce("contact__name", Subquery(there.values("contact__name")[:1])))
            .prefetch_related(moved, "labels")
        )

    def party(self, one: Any) -> str:
        return one.named or one.counterparty

    def out(self, one: Any) -> str:
        return sums(one, "principal", -1)

    def into(self, one: Any) -> str:
        return sums(one, "principal", 1)

    def fee(self, one: Any) -> str:
        return sums(one, "fee", 0)

    def tags(self, one: Any) -> str:
        return ", ".join(label.name for label in one.labels.all())

    def lookup_allowed(self, *_: Any) -> bool:
        return True

    def has_view_permission(self, *_: Any, **__: Any) -> bool:
        return True

    has_module_permission = has_view_permission


class Uncounted(Transactions):
    paginator = Uncounting
    show_full_result_count = False


class Site(admin.AdminSite):
    def has_permission(self, _request: Any) -> bool:
        return True


def site(name: str, view: type) -> Site:
    found = Site(name)
    found.register(Transaction, view)
    return found


urlpatterns = [
    path("counted/", site("counted", Transactions).urls),
    path("uncounted/", site("uncounted", Uncounted).urls),
]
app = get_wsgi_application()
