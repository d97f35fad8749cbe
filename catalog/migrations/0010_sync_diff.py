
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0009_short_of'),
    ]

    operations = [
        migrations.CreateModel(
            name='SyncDiff',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('packed', models.BinaryField(verbose_name='changes')),
                ('lines', models.PositiveIntegerField(verbose_name='lines')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='diff', to='catalog.syncrun', verbose_name='sync')),
            ],
        ),
    ]
