import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The order that a ticket is about. By itself: its foreign key locks the orders for the time of this statement."""

    dependencies = [
        ('orders', '0038_source_of_mass_orders'),
        ('support', '0002_ticket_answers'),
    ]

    operations = [
        migrations.AddField(
            model_name='ticket',
            name='order',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='orders.order', verbose_name='order'),
        ),
    ]
