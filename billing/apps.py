from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Money")

    def ready(self) -> None:
        from allauth.account.signals import email_confirmed  # models can be imported only now

        from billing.signup_credit import on_confirmed
        from billing.topups.companies import payment_companies
        from pages.starting_texts import add_fact

        email_confirmed.connect(on_confirmed, dispatch_uid="billing.signup_credit")
        add_fact("companies", payment_companies)
