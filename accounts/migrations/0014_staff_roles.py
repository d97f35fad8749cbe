import core.money
import django.contrib.postgres.fields
import django.db.models.deletion
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Three new tables: ready roles, their limits, and what staff moved by hand. No row is read or written."""

    dependencies = [
        ('accounts', '0013_ticket_answers'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='StaffLimit',
            fields=[
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='money_limit', serialize=False, to='auth.group')),
                ('per_day', core.money.AmountField(blank=True, decimal_places=5, max_digits=20, null=True, verbose_name='money moved by hand in a day')),
                ('per_action', core.money.AmountField(blank=True, decimal_places=5, max_digits=20, null=True, verbose_name='money moved by one action')),
            ],
            options={
                'verbose_name': 'limit of staff',
                'verbose_name_plural': 'limits of staff',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('per_day', None), models.Q(('per_day__gte', Decimal('0.0')), ('per_day__lt', Decimal('1000000000000.0'))), _connector='OR'), models.Q(('per_action', None), models.Q(('per_action__gte', Decimal('0.0')), ('per_action__lt', Decimal('1000000000000.0'))), _connector='OR')), name='staff_limit_sane')],
            },
        ),
        migrations.CreateModel(
            name='StaffRole',
            fields=[
                ('code', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('given', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), default=list)),
                ('group', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='ready_role', to='auth.group')),
            ],
            options={
                'verbose_name': 'ready role',
                'verbose_name_plural': 'ready roles',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='MoneyByHand',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('amount', core.money.AmountField(decimal_places=5, max_digits=20, verbose_name='moved')),
                ('most', core.money.AmountField(decimal_places=5, max_digits=20, null=True, verbose_name='limit')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='money_by_hand', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'money moved by hand',
                'verbose_name_plural': 'money moved by hand',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('person', 'day'), name='money_by_hand_once_a_day'), models.CheckConstraint(condition=models.Q(('amount__gt', Decimal('0.0')), ('amount__lt', Decimal('1000000000000.0'))), name='money_by_hand_sane'), models.CheckConstraint(condition=models.Q(('most', None), ('amount__lte', models.F('most')), _connector='OR'), name='money_by_hand_within_limit')],
            },
        ),
    ]
