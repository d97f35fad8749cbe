from django.contrib import admin
from django.urls import include, path

from storefront import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("", include("pages.urls")),
    path("", include("catalog.urls")),
    path("", include("orders.urls")),
    path("", include("billing.urls")),
    path("", include("api.urls")),
]
