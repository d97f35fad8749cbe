
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0024_flat_as_it_grows'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditState',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('next_at', models.DateTimeField(verbose_name='next audit')),
                ('full_at', models.DateTimeField(blank=True, null=True, verbose_name='last audit of everything')),
                ('certified', models.JSONField(default=dict, verbose_name='certified')),
                ('noted', models.JSONField(default=dict, verbose_name='noted')),
                ('sums', models.JSONField(default=dict, verbose_name='sums')),
            ],
            options={
                'verbose_name': 'state of the audit',
                'verbose_name_plural': 'state of the audit',
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='audit_state_is_one_row')],
            },
        ),
    ]
