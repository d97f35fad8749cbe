import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

GUARDS = "".join(
    f"""
    CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION core_append_only();
    CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION core_append_only();
    """
    for table in ("pages_termsversion", "pages_termsacceptance")
)


class Migration(migrations.Migration):
    """Pages of the owner; versions of the terms and who accepted them, both append-only."""

    initial = True

    dependencies = [
        ("core", "0004_fixed_search_path"),  # core_append_only with its fixed path
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=80, verbose_name="title")),
                (
                    "slug",
                    models.SlugField(help_text="The page is at /pages/ADDRESS/.", unique=True, verbose_name="address"),
                ),
                (
                    "body",
                    models.TextField(
                        help_text="Markdown: ## heading, **bold**, - list, [words](https://…), | table |. HTML is shown as it is typed. Pictures: from /static/ of this shop alone.",
                        validators=[django.core.validators.MaxLengthValidator(100000)],
                        verbose_name="text",
                    ),
                ),
                (
                    "is_published",
                    models.BooleanField(
                        default=False, help_text="Off: only staff see it, under View on site.", verbose_name="published"
                    ),
                ),
                (
                    "place",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("head", "At the top of every page"),
                            ("help", "At the bottom, under Help"),
                            ("rules", "At the bottom, under Rules"),
                            ("", "In no menu: only by its address"),
                        ],
                        default="help",
                        max_length=5,
                        verbose_name="in the menu",
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="Pages of one menu are ordered by this number, the lowest first.",
                        verbose_name="position",
                    ),
                ),
                (
                    "is_terms",
                    models.BooleanField(
                        default=False,
                        help_text="Customers accept this page. It is published by Publish as a new version, after saving.",
                        verbose_name="these are the terms",
                    ),
                ),
                ("changed_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "own page",
                "verbose_name_plural": "own pages",
                "ordering": ["place", "position", "title"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("is_terms"),
                        condition=models.Q(("is_terms", True)),
                        name="own_page_one_of_terms",
                        violation_error_message="Another page holds the terms already.",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.LessThanOrEqual(
                            django.db.models.functions.text.Length("body"), 100000
                        ),
                        name="own_page_bounded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("place__in", ["head", "help", "rules", ""])), name="own_page_place_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TermsVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(unique=True, verbose_name="version")),
                ("title", models.CharField(max_length=80, verbose_name="title")),
                ("body", models.TextField(verbose_name="text")),
                ("digest", models.CharField(max_length=64, verbose_name="SHA-256 of the text")),
                (
                    "published_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="published"
                    ),
                ),
                ("published_by", models.CharField(max_length=40, verbose_name="by")),
            ],
            options={
                "verbose_name": "version of the terms",
                "verbose_name_plural": "versions of the terms",
                "ordering": ["-number"],
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.LessThanOrEqual(
                            django.db.models.functions.text.Length("body"), 100000
                        ),
                        name="terms_version_bounded",
                    ),
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="terms_version_counts_from_1"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TermsAcceptance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="time"
                    ),
                ),
                ("address", models.GenericIPAddressField(null=True, verbose_name="from")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accepted_terms",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="customer",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acceptances",
                        to="pages.termsversion",
                        verbose_name="version",
                    ),
                ),
            ],
            options={
                "verbose_name": "acceptance of the terms",
                "verbose_name_plural": "acceptances of the terms",
                "ordering": ["-id"],
                "constraints": [models.UniqueConstraint(fields=("customer", "version"), name="terms_accepted_once")],
            },
        ),
        # Tables that this migration makes go with their triggers.
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
