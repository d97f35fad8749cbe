import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0011_plain_labels'),
        ('orders', '0013_plain_names'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='pollschedule',
            options={'verbose_name': 'status polling schedule', 'verbose_name_plural': 'status polling schedules'},
        ),
        migrations.AlterModelOptions(
            name='probeschedule',
            options={'verbose_name': 'probing schedule', 'verbose_name_plural': 'probing schedules'},
        ),
        migrations.AlterModelOptions(
            name='reconciliationschedule',
            options={'verbose_name': 'reconciliation schedule', 'verbose_name_plural': 'reconciliation schedules'},
        ),
        migrations.AlterField(
            model_name='breakerstate',
            name='provider',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='catalog.provider', verbose_name='provider'),
        ),
        migrations.AlterField(
            model_name='breakerstate',
            name='reset_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='reset'),
        ),
        migrations.AlterField(
            model_name='breakerstate',
            name='tripped_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='tripped'),
        ),
        migrations.AlterField(
            model_name='breakerstate',
            name='tripped_because',
            field=models.CharField(blank=True, db_default='', default='', max_length=40, verbose_name='tripped because'),
        ),
        migrations.AlterField(
            model_name='childorder',
            name='answered_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='last answered'),
        ),
        migrations.AlterField(
            model_name='childorder',
            name='needs_review',
            field=models.CharField(blank=True, max_length=120, verbose_name='needs review'),
        ),
        migrations.AlterField(
            model_name='childorder',
            name='raw_state',
            field=models.CharField(blank=True, max_length=100, verbose_name="state in the provider's words"),
        ),
        migrations.AlterField(
            model_name='forwardattempt',
            name='is_trial',
            field=models.BooleanField(db_default=False, default=False, help_text='The one order that a tripped breaker lets through', verbose_name='trial'),
        ),
        migrations.AlterField(
            model_name='forwardattempt',
            name='unconfirmed_id',
            field=models.CharField(blank=True, max_length=64, verbose_name='unconfirmed id from a damaged answer'),
        ),
        migrations.AlterField(
            model_name='order',
            name='answered_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='last answered'),
        ),
        migrations.AlterField(
            model_name='order',
            name='answered_currency',
            field=models.CharField(blank=True, max_length=8, verbose_name='currency of the answer'),
        ),
        migrations.AlterField(
            model_name='order',
            name='ended_as',
            field=models.CharField(blank=True, choices=[('pending', 'Pending'), ('processing', 'Processing'), ('in_progress', 'In progress'), ('completed', 'Completed'), ('partial', 'Partial'), ('canceled', 'Canceled'), ('refunded', 'Refunded'), ('failed', 'Failed'), ('paused', 'Paused'), ('active', 'Active'), ('expired', 'Expired')], max_length=12, verbose_name='ended, waiting for its runs'),
        ),
        migrations.AlterField(
            model_name='order',
            name='needs_review',
            field=models.CharField(blank=True, max_length=120, verbose_name='needs review'),
        ),
        migrations.AlterField(
            model_name='order',
            name='raw_state',
            field=models.CharField(blank=True, max_length=100, verbose_name="state in the provider's words"),
        ),
        migrations.AlterField(
            model_name='order',
            name='reviewed',
            field=models.CharField(blank=True, db_default='', default='', max_length=120, verbose_name='reviewed'),
        ),
        migrations.AlterField(
            model_name='ownid',
            name='explained',
            field=models.CharField(blank=True, choices=[('attempt', 'Placed by us'), ('child', 'A run of one of our orders'), ('foreign', 'Not ours, according to the owner'), ('orphan', 'Unknown')], max_length=8, verbose_name='known as'),
        ),
        migrations.AlterField(
            model_name='probeschedule',
            name='next_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='next check'),
        ),
        migrations.AlterField(
            model_name='reconciliationschedule',
            name='checked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='orders last checked'),
        ),
        migrations.AlterField(
            model_name='reconciliationschedule',
            name='next_at',
            field=models.DateTimeField(verbose_name='next check'),
        ),
        migrations.AlterField(
            model_name='refill',
            name='raw_state',
            field=models.CharField(blank=True, max_length=100, verbose_name="state in the provider's words"),
        ),
        migrations.AlterField(
            model_name='refillattempt',
            name='unconfirmed_id',
            field=models.CharField(blank=True, max_length=64, verbose_name='unconfirmed id from a damaged answer'),
        ),
    ]
