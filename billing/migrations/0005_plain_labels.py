from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0004_refund_labels'),
    ]

    operations = [
        migrations.AlterField(
            model_name='account',
            name='kind',
            field=models.CharField(choices=[('wallet', 'Wallet'), ('held', 'Held for open orders'), ('revenue', 'Revenue'), ('gateway', 'Gateway'), ('fees', 'Fees'), ('bonus', 'Bonuses'), ('loss', 'Losses'), ('owner', 'Owner')], max_length=12, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='transfer',
            name='key',
            field=models.CharField(help_text='Names what it is for, such as order:1042:hold', max_length=120, unique=True, verbose_name='key'),
        ),
    ]
