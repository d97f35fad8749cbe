import core.money
import django.core.validators
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_sync_diff'),
    ]

    operations = [
        migrations.AlterField(
            model_name='provider',
            name='can_cancel',
            field=models.BooleanField(default=False, verbose_name='supports cancellations'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='can_create_ticket',
            field=models.BooleanField(default=False, verbose_name='supports createTicket'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='can_list_orders',
            field=models.BooleanField(default=False, help_text='An unofficial action that lists our recent orders', verbose_name='lists our orders'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='can_refill',
            field=models.BooleanField(default=True, verbose_name='supports refills'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='follows_limits',
            field=models.BooleanField(default=True, help_text="If not, yours hold, within the provider's", verbose_name='limits follow'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='holds_falls',
            field=models.BooleanField(default=False, help_text='Prices stay until you pass a fall on. A rise always changes prices at once.', verbose_name='hold falling rates'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='low_balance',
            field=core.money.ProviderAmountField(db_default=Decimal('0'), decimal_places=18, default=Decimal('0'), help_text="You get an alert when the balance falls to this, in the provider's currency.", max_digits=30, validators=[django.core.validators.MinValueValidator(Decimal('0'))], verbose_name='low balance'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='next_probe_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='next check while parked'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='patience_seconds',
            field=models.PositiveIntegerField(blank=True, help_text="An order not accepted after this time is refunded. Empty: the shop's setting", null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='patience, seconds'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='probing_enabled',
            field=models.BooleanField(default=True, help_text='Asks for order numbers near a lost order, to find out whether it was placed', verbose_name='search by order number'),
        ),
        migrations.AlterField(
            model_name='provider',
            name='short_of',
            field=core.money.ProviderAmountField(blank=True, decimal_places=18, max_digits=30, null=True, verbose_name='charge of the order it had no money for'),
        ),
        migrations.AlterField(
            model_name='providerservice',
            name='raw',
            field=models.JSONField(default=dict, editable=False, verbose_name='as received'),
        ),
        migrations.AlterField(
            model_name='unlistedtext',
            name='first_at',
            field=models.DateTimeField(verbose_name='first seen'),
        ),
        migrations.AlterField(
            model_name='unlistedtext',
            name='last_at',
            field=models.DateTimeField(verbose_name='last seen'),
        ),
        migrations.AlterField(
            model_name='unlistedtext',
            name='meaning',
            field=models.CharField(blank=True, choices=[('bad_link', 'the link is wrong: refund'), ('bad_quantity', 'the quantity is wrong: refund'), ('service_gone', 'the service is gone: refund, stop selling it'), ('bad_params', 'something is missing or wrong: refund'), ('duplicate_link', 'another order for this link is active: try later'), ('rate_limited', 'too many calls: try later'), ('maintenance', 'maintenance: try later'), ('not_enough_funds', 'our account there is empty: park the provider'), ('invalid_key', 'our key is not accepted: park the provider'), ('account_blocked', 'our account there is blocked: park the provider'), ('server_fault', 'the provider failed and may have taken the order: keep in doubt')], max_length=20, verbose_name='it means'),
        ),
        migrations.AlterField(
            model_name='unlistedtext',
            name='times',
            field=models.PositiveIntegerField(default=1, verbose_name='times seen'),
        ),
    ]
