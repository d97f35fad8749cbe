from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0009_short_of'),
        ('orders', '0007_poll_desk'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='forwardattempt',
            index=models.Index(condition=models.Q(('outcome__in', ['in_doubt', 'not_placed'])), fields=['provider'], name='forward_attempt_doubtful'),
        ),
    ]
