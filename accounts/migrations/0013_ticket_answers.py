from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_low_balance'),
    ]

    operations = [
        migrations.AddField(
            model_name='mailchoices',
            name='ticket',
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
