from decimal import Decimal

from django.db import migrations, models
from django.db.models import F, Q

LEAST, MOST = Decimal("0.0"), Decimal("1000000000000.0")


def anew(name, condition):
    """The same rule, with constants that are numeric as they stand (`core.money`)."""
    return [
        migrations.RemoveConstraint(model_name="order", name=name),
        migrations.AddConstraint(
            model_name="order", constraint=models.CheckConstraint(condition=condition, name=name)
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [("orders", "0008_doubtful")]

    operations = [
        *anew("order_charge_positive", Q(charge__gt=LEAST, charge__lt=MOST)),
        *anew("order_never_below_cost", Q(expected_cost__gte=LEAST, expected_cost__lte=F("charge"))),
        *anew(
            "order_figures_sane",
            Q(price__gt=LEAST, price__lt=MOST, expected_charge__gte=LEAST, expected_charge__lt=MOST)
            & (Q(provider_charge=None) | Q(provider_charge__gte=LEAST, provider_charge__lt=MOST)),
        ),
        *anew("order_returned_within_charge", Q(returned__gte=LEAST) & Q(returned__lte=F("charge"))),
    ]
