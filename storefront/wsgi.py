import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storefront.settings")

# Imported late, because it reads the settings.
from storefront.chunks import with_length  # noqa: E402

application = with_length(get_wsgi_application())
