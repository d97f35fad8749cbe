import core.money
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):
    """Below which balance a customer wants a mail, and the mark that it fell. No row is read or written."""

    dependencies = [
        ('accounts', '0011_view_as_customer'),
    ]

    operations = [
        migrations.AddField(
            model_name='mailchoices',
            name='low_balance',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='mailchoices',
            name='low_below',
            field=core.money.AmountField(decimal_places=5, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='mailchoices',
            name='low_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='mailchoices',
            index=models.Index(condition=models.Q(('low_balance', True)), fields=['customer'], name='mail_choices_low_balance'),
        ),
        migrations.AddConstraint(
            model_name='mailchoices',
            constraint=models.CheckConstraint(condition=models.Q(('low_balance', False), models.Q(('low_below__gt', Decimal('0.0')), ('low_below__isnull', False), ('low_below__lt', Decimal('1000000000000.0'))), _connector='OR'), name='mail_choices_low_below_sane'),
        ),
    ]
