"""The same job by others: an order and its payment made, authorised, and captured.

``peers.py`` runs this in an environment of its own, one process for each, and says when each of
them sells. They sell as their documentation shows it, with their own dummy provider where they have
one, on a SQLite file with the pragmas that our store sets.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

TOTAL = Decimal("635.95")
PRAGMAS = (
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    " PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON"
)


def django(file: str, *apps: str, **settings: object) -> None:
    """Begin Django with a database."""
    import django
    from django.conf import settings as configured

    configured.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": file,
                "OPTIONS": {"init_command": PRAGMAS, "transaction_mode": "IMMEDIATE"},
                "CONN_MAX_AGE": None,
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", *apps],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SECRET_KEY="of a benchmark",  # noqa: S106 -- nothing is signed with it
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        **settings,
    )
    django.setup()


urlpatterns: list[object] = []


def make_tables(*more: type) -> None:
    """Make the tables of all models; of apps and others."""
    from django.apps import apps
    from django.db import connection

    with connection.schema_editor() as editor:
        for model in (*apps.get_models(), *more):
            if not model._meta.proxy and model._meta.managed:
                editor.create_model(model)


def of_django_payments(file: str):
    """A payment of the dummy provider, preauthorised by its form; the order is ours."""
    django(
        file,
        "payments",
        PAYMENT_HOST="shop.example",
        PAYMENT_MODEL="sell.Payment",
        PAYMENT_VARIANTS={"default": ("payments.dummy.DummyProvider", {})},
    )
    from django.db import models
    from payments import PaymentStatus, PurchasedItem, RedirectNeeded
    from payments.models import BasePayment

    class Order(models.Model):
        total = models.DecimalField(max_digits=9, decimal_places=2)

        class Meta:
            app_label = "sell"

    class Payment(BasePayment):
        order = models.ForeignKey(Order, on_delete=models.CASCADE)

        class Meta:
            app_label = "sell"

        def get_failure_url(self):
            return "https://shop.example/failed"

        def get_success_url(self):
            return "https://shop.example/paid"

        def get_purchased_items(self):
            yield PurchasedItem("Mug", 3, Decimal("129.00"), "DKK", "mug")
            yield PurchasedItem("Book", 1, Decimal("199.95"), "DKK", "book")

    make_tables(Order, Payment)
    said = {
        "status": PaymentStatus.PREAUTH,
        "fraud_status": "unknown",
        "gateway_response": "3ds-disabled",
        "verification_result": "",
    }

    def sell():
        order = Order.objects.create(total=TOTAL)
        payment = Payment.objects.create(
            order=order,
            variant="default",
            total=TOTAL,
            currency="DKK",
            billing_first_name="Test",
            billing_last_name="Person",
            billing_address_1="Testvej 1",
            billing_city="København",
            billing_postcode="2100",
            billing_country_code="DK",
            billing_email="name@example.com",
        )
        with suppress(RedirectNeeded):
            payment.get_form(said)
        payment.capture(TOTAL)
        assert payment.status == PaymentStatus.CONFIRMED

    return sell


def of_django_getpaid(file: str):
    """A payment of getpaid's dummy backend, locked by a callback and charged; the order is ours."""
    django(
        file,
        "getpaid",
        GETPAID_ORDER_MODEL="sell.Order",
        GETPAID_PAYMENT_MODEL="getpaid.Payment",
    )
    import swapper
    from django.db import models
    from django.test import RequestFactory
    from getpaid.abstracts import AbstractOrder
    from getpaid_core.backends.dummy import DummyProcessor
    from getpaid_core.registry import registry

    class Order(AbstractOrder):
        total = models.DecimalField(max_digits=9, decimal_places=2)
        currency = models.CharField(max_length=3)

        class Meta:
            app_label = "sell"

        def get_absolute_url(self):
            return "https://shop.example/back"

        def get_total_amount(self):
            return self.total

        def get_buyer_info(self):
            return {"email": "name@example.com"}

        def get_description(self):
            return "Mugs and a book"

    Payment = swapper.load_model("getpaid", "Payment")
    registry.register(DummyProcessor)
    make_tables(Order)
    requests = RequestFactory()
    told = json.dumps({"event": "payment_locked"})

    def sell():
        order = Order.objects.create(total=TOTAL, currency="EUR")  # its dummy knows no DKK
        payment = Payment.objects.create(
            order=order,
            amount_required=TOTAL,
            currency="EUR",
            description=order.get_description(),
            backend="dummy",
        )
        payment.prepare_transaction()
        call = requests.post("/callback", told, content_type="application/json")
        payment.handle_paywall_callback(call)
        payment.charge()
        assert payment.status == "paid", payment.status

    return sell


def of_django_oscar(file: str):
    """A basket filled and made an order; its payment is written down, as oscar talks to nobody."""
    from oscar import defaults

    settings = {name: value for name, value in vars(defaults).items() if name.isupper()}
    django(
        file,
        "django.contrib.sites",
        "django.contrib.flatpages",
        "django.contrib.messages",
        "django.contrib.sessions",
        *oscar_apps(),
        **{
            **settings,
            "SITE_ID": 1,
            "OSCAR_DEFAULT_CURRENCY": "DKK",
            "HAYSTACK_CONNECTIONS": HAYSTACK,
        },
    )
    make_tables()
    from oscar.core.loading import get_class, get_model

    Basket, SourceType = get_model("basket", "Basket"), get_model("payment", "SourceType")
    Source, Country = get_model("payment", "Source"), get_model("address", "Country")
    Address = get_model("order", "ShippingAddress")
    Default = get_class("partner.strategy", "Default")
    Free = get_class("shipping.methods", "Free")
    Creator = get_class("order.utils", "OrderCreator")
    Totals = get_class("checkout.calculators", "OrderTotalCalculator")
    get_model("sites", "Site").objects.create(domain="shop.example", name="Fjord")
    kind = SourceType.objects.create(name="Dummy", code="dummy")
    denmark = Country.objects.create(iso_3166_1_a2="DK", printable_name="Denmark", name="Denmark")
    partner = get_model("partner", "Partner").objects.create(name="Fjord")
    goods = get_model("catalogue", "ProductClass").objects.create(name="Goods")
    products = []
    for title, price, count in (("Mug", "129.00", 3), ("Book", "199.95", 1)):
        product = get_model("catalogue", "Product").objects.create(title=title, product_class=goods)
        product.stockrecords.create(
            partner=partner,
            partner_sku=title,
            price_currency="DKK",
            price=Decimal(price),
            num_in_stock=10**6,
        )
        products.append((product, count))

    def sell():
        basket = Basket.objects.create()
        basket.strategy = Default()
        for product, count in products:
            basket.add_product(product, count)
        address = Address.objects.create(
            first_name="Test",
            last_name="Person",
            line1="Testvej 1",
            line4="København",
            postcode="2100",
            country=denmark,
        )
        shipping = Free()
        charge = shipping.calculate(basket)
        total = Totals().calculate(basket, charge)
        order = Creator().place_order(
            basket=basket,
            total=total,
            shipping_method=shipping,
            shipping_charge=charge,
            shipping_address=address,
            guest_email="name@example.com",
        )
        basket.submit()
        source = Source.objects.create(order=order, source_type=kind, currency="DKK")
        source.allocate(total.incl_tax, reference="reference", status="authorised")
        source.debit(reference="reference", status="captured")
        assert source.amount_debited == total.incl_tax

    return sell


HAYSTACK = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}


def oscar_apps() -> list[str]:
    """What its documentation says to install, without its pages."""
    names = [
        "analytics",
        "checkout",
        "address",
        "shipping",
        "catalogue",
        "communication",
        "partner",
        "basket",
        "payment",
        "offer",
        "order",
        "customer",
        "search",
        "voucher",
        "wishlists",
    ]
    return [
        *(f"oscar.apps.{name}.apps.{name.title()}Config" for name in names),
        "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    ]


def of_checkoutflow(file: str):
    """Ours, with what a sale has besides: taxes worked out, details sealed, a journal."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from benchmarks.world import open_flow, sell_together

    from checkoutflow import open_store

    store = open_store(file)
    store.create()
    flow = open_flow(store)
    return lambda: sell_together(flow)


def main(name: str, file: str, count: str) -> None:
    """Sell so often whenever a line comes in, and say how many seconds it took."""
    try:
        print(version(name), flush=True)
    except PackageNotFoundError:  # it has none for this Python
        return
    sell = globals()[f"of_{name.replace('-', '_')}"](file)
    for _ in sys.stdin:
        began = perf_counter()
        for _ in range(int(count)):
            sell()
        print(perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
