import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models


GUARDS = """
    CREATE TRIGGER support_customernote_append_only BEFORE UPDATE OR DELETE ON support_customernote
        FOR EACH ROW EXECUTE FUNCTION core_append_only();
    CREATE TRIGGER support_customernote_no_truncate BEFORE TRUNCATE ON support_customernote
        FOR EACH STATEMENT EXECUTE FUNCTION core_append_only();
"""


class Migration(migrations.Migration):
    """Notes of staff about customers."""

    dependencies = [
        ('core', '0004_fixed_search_path'),  # core_append_only with its fixed path
        ('support', '0003_order_of_a_ticket'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CustomerNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('author', models.CharField(max_length=254, verbose_name='written by')),
                ('text', models.TextField(max_length=4000, verbose_name='text')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='written')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='customer')),
            ],
            options={
                'verbose_name': 'note about a customer',
                'verbose_name_plural': 'notes about customers',
                'ordering': ['-id'],
                'default_permissions': ('add', 'view'),
                'indexes': [models.Index(fields=['customer', '-id'], name='customer_note_of_customer')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('text', ''), _negated=True), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('text'), 4000)), name='customer_note_bounded')],
            },
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
