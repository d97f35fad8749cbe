from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.sitemaps import views as sitemap_views
from django.urls import include, path

from accounts import languages
from billing.topups.webhook import webhook
from storefront import health, sitemaps

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("robots.txt", sitemaps.robots, name="robots"),
    path("favicon.ico", sitemaps.favicon, name="favicon"),
    path(
        "sitemap.xml",
        sitemap_views.index,
        {"sitemaps": sitemaps.SITEMAPS, "sitemap_url_name": "sitemap_file"},
        "sitemap",
    ),
    path("sitemap-<section>.xml", sitemap_views.sitemap, {"sitemaps": sitemaps.SITEMAPS}, "sitemap_file"),
    path("admin/", admin.site.urls),
    path("language/<str:code>/", languages.choose, name="language"),
    path("", include("api.urls")),
    # Gateways follow no redirect, so both spellings answer.
    path("pay/<slug:token>/", webhook, name="webhook"),
    path("pay/<slug:token>", webhook),
    # What follows has a prefix in each language but the default one. core.languages.NEUTRAL lists what has none.
    *i18n_patterns(
        path("accounts/", include("allauth.urls")),
        path("", include("accounts.urls")),
        path("", include("pages.urls")),
        path("", include("catalog.urls")),
        path("", include("orders.urls")),
        path("", include("billing.urls")),
        path("", include("support.urls")),
        prefix_default_language=False,
    ),
]
