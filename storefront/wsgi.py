import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storefront.settings")

# Imported late, because it reads the settings.
from storefront.incoming import received  # noqa: E402

application = received(get_wsgi_application())

# Models can be imported only now.
from storefront.currency_lock import demand_same_currency  # noqa: E402

demand_same_currency()
