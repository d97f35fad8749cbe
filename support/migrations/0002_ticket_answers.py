import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


GUARDS = """
    CREATE TRIGGER support_ticketmessage_append_only BEFORE UPDATE OR DELETE ON support_ticketmessage
        FOR EACH ROW EXECUTE FUNCTION core_append_only();
    CREATE TRIGGER support_ticketmessage_no_truncate BEFORE TRUNCATE ON support_ticketmessage
        FOR EACH STATEMENT EXECUTE FUNCTION core_append_only();
"""


class Migration(migrations.Migration):
    """Answers to tickets, and which tickets wait for one. 0005 fills in those that are there: no row is written here."""

    dependencies = [
        ('core', '0004_fixed_search_path'),  # core_append_only with its fixed path
        ('support', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CannedAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=100, unique=True, verbose_name='title')),
                ('text', models.TextField(help_text='May contain {order}, {service}, {link} and {refunded}, which are filled in from the order.', max_length=10000, verbose_name='text')),
            ],
            options={
                'verbose_name': 'canned answer',
                'verbose_name_plural': 'canned answers',
                'ordering': ['title'],
            },
        ),
        migrations.CreateModel(
            name='TicketMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='support.ticket', verbose_name='ticket')),
                ('author', models.CharField(choices=[('customer', 'Customer'), ('staff', 'Staff'), ('note', 'Note of staff')], max_length=8, verbose_name='written by')),
                ('name', models.CharField(max_length=254, verbose_name='name')),
                ('text', models.TextField(max_length=10000, verbose_name='text')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='written')),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='ticket',
            name='is_unread',
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name='not read'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='last_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='last message'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='waits_since',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='waits since'),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
