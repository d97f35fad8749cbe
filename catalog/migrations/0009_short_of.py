import core.money
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0008_provider_health'),
    ]

    operations = [
        migrations.AddField(
            model_name='provider',
            name='short_of',
            field=core.money.ProviderAmountField(blank=True, decimal_places=18, max_digits=30, null=True, verbose_name='money an order there wanted'),
        ),
    ]
