from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Func, Value
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    """Staff find customers by the beginning of their address, and by the beginning of what stands after its @."""

    atomic = False

    dependencies = [("accounts", "0014_staff_roles")]

    operations = [
        AddIndexConcurrently(
            "user", models.Index(OpClass(Upper("email"), name="text_pattern_ops"), name="user_email_begins")
        ),
        AddIndexConcurrently(
            "user",
            models.Index(
                OpClass(
                    Upper(Func(F("email"), Value("@"), Value(2), function="split_part", output_field=models.TextField())), name="text_pattern_ops"
                ),
                name="user_email_domain",
            ),
        ),
    ]
